"""The checks of ``leukolens doctor``. Each looks at one thing and says what it found; none prints, none raises."""

from __future__ import annotations

import platform
import re
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import leukolens
from leukolens.finding import LeukolensError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.engine.bundle import Bundle
    from leukolens.screen import FieldOutputs

ENGINES: Final = ("openvino", "onnxruntime")
AGREEMENT: Final = 1e-4
"""Largest difference of a probability between two engines."""
ALIKE: Final = 5.0
"""Largest mean difference, in grey levels, between the prepared pixels of a rendered field and its squeezed twin."""

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


class Check(NamedTuple):
    """One check: ``missing`` is told but is no failure, for what is optional."""

    name: str
    state: Literal["ok", "missing", "failed"]
    found: str
    todo: str = ""


def examine(bundle: str | None = None) -> list[Check]:
    """Check the installation, the model, and the model in every engine.

    Parameters
    ----------
    bundle
        Name or folder of the bundle to check; None: the shipped one.

    Returns
    -------
    list of Check
        In the order in which one thing needs the other.
    """
    checks = [_check_versions(), *_check_packages(_requirements())]
    opened, check = _check_bundle(bundle)
    checks.append(check)
    if opened is not None:
        checks += _check_screening(opened)
    return checks


def _check_versions() -> Check:
    return Check(
        "versions",
        "ok",
        f"leukolens {leukolens.__version__}, Python {platform.python_version()}, {platform.platform()}",
    )


def _requirements() -> dict[str, list[str]]:
    """Return what leukolens asks for, by extra; the core is the extra ``""``. Empty where it was not installed."""
    try:
        lines = metadata.requires("leukolens") or []
    except metadata.PackageNotFoundError:
        return {}
    wanted: dict[str, list[str]] = {}
    for line in lines:
        name, extra = _REQUIREMENT.match(line), _EXTRA.search(line)
        # OpenVINO has no wheels for some machines; the engines are checked one by one below.
        if name and name[1] not in ENGINES:
            wanted.setdefault(extra[1] if extra else "", []).append(name[1])
    return wanted


def _check_packages(wanted: dict[str, list[str]]) -> Iterator[Check]:
    if not wanted:
        yield Check(
            "packages",
            "missing",
            "leukolens runs from its sources, not installed",
            "To have them checked: pip install .",
        )
    for extra, names in sorted(wanted.items()):
        versions = {name: _version(name) for name in names}
        absent = [name for name, version in versions.items() if version is None]
        there = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        title = f"extra {extra}" if extra else "packages"
        if not absent:
            yield Check(title, "ok", there)
        elif extra:
            yield Check(
                title,
                "missing",
                f"not here: {', '.join(absent)}",
                f"To have it: pip install 'leukolens[{extra}]', in a clone: '.[{extra}]'",
            )
        else:
            yield Check(title, "failed", f"not here: {', '.join(absent)}", "pip install --force-reinstall leukolens")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _check_bundle(name: str | None) -> tuple[Bundle | None, Check]:
    from leukolens.engine.bundle import find_bundle

    try:
        opened = find_bundle(name)
        opened.read_network("field")
    except LeukolensError as error:
        return None, Check("model", "failed", str(error))
    spec, network = opened.spec, opened.field
    found = f"{spec.name} {spec.version} ({network.architecture}), all sums right, {opened.path}"
    return opened, Check("model", "ok", f"{found}\nfield.onnx {network.sha256}\nbundle.json {opened.sha256}")


def _check_screening(bundle: Bundle) -> Iterator[Check]:
    """Screen rendered fields on each engine, and compare."""
    rendered = _render("all"), _render("no white cells")
    yield _guard("preparation", partial(_check_preparation, bundle, rendered[0]))
    given: dict[str, NDArray[np.float64]] = {}
    for engine in ENGINES:
        if _version(engine) is None:
            other = "the other engine is enough" if given or engine == ENGINES[0] else "no engine is here"
            yield Check(f"engine {engine}", "missing", f"not installed; {other}", f"To have it: pip install {engine}")
            continue
        yield _guard(f"engine {engine}", partial(_screen_on, engine, bundle, rendered, given))
    if not given:
        yield Check("self-test", "failed", "no engine ran the model", "pip install onnxruntime")
    elif len(given) > 1:
        yield _compare(given)


def _render(content: str) -> NDArray[np.uint8]:
    from leukolens.smear.synth import Content, Style, render_field

    return render_field(7, width=640, height=480, style=Style.named("violet"), content=Content.named(content)).pixels


def _check_preparation(bundle: Bundle, rendered: NDArray[np.uint8]) -> Check:
    """Prepare a rendered field and its squeezed twin, which the network must see alike."""
    import numpy as np

    from leukolens.smear.prepare import prepare
    from leukolens.smear.synth import squeeze_to_square

    spec = bundle.field.preparation
    if spec.squeeze == "none":
        return Check("preparation", "ok", "this model takes every picture as true")
    first, second = (prepare(rgb, spec).pixels.astype(np.float64) for rgb in (rendered, squeeze_to_square(rendered)))
    difference = float(abs(first - second).mean())
    found = f"a field and its squeezed twin differ by {difference:.1f} grey levels on average, allowed {ALIKE:g}"
    if difference <= ALIKE:
        return Check("preparation", "ok", found)
    return Check("preparation", "failed", found, "Report this with the versions above.")


def _screen_on(
    engine: str,
    bundle: Bundle,
    rendered: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    given: dict[str, NDArray[np.float64]],
) -> Check:
    import numpy as np

    from leukolens.screen import load

    screener = load(bundle, engine=engine, threads=1)
    results = [screener.examine(pixels, name="a rendered field") for pixels in rendered]
    outputs = [result.outputs for result in results if result.outputs is not None]
    finding = results[0].finding
    if finding.field is None or len(outputs) < len(results):
        raise LeukolensError("A rendered field got no answer", found=results[-1].finding.reason)
    head = bundle.spec.provenance.recipe.get("network", {}).get("head")
    _check_outputs(*outputs, fixed_bias=head != "thesis")
    given[engine] = np.array(list(finding.field.probabilities.values()))
    model = finding.models[0]
    return Check(f"engine {engine}", "ok", f"{model.engine} in {model.precision} screened two rendered fields")


def _check_outputs(first: FieldOutputs, second: FieldOutputs, *, fixed_bias: bool = True) -> None:
    """Check what every field network must fulfil, whatever its classes, on two fields with and without white cells.

    Raises
    ------
    LeukolensError
        An output is no number, does not depend on the picture, or is not the mean of the class map plus the bias. With
        the thesis' head, `fixed_bias` being False, the bias depends on the picture and says nothing.
    """
    import numpy as np

    for outputs in (first, second):
        values = (outputs.logits, outputs.class_map, outputs.features, outputs.distance)
        if not all(np.isfinite(value).all() for value in values):
            raise LeukolensError("The network's answer is no number", found=str(outputs.logits.tolist()))
    if float(abs(first.logits - second.logits).max()) <= AGREEMENT:
        raise LeukolensError(
            "The network gives the same answer whatever it is shown", found=str(np.round(first.logits, 4).tolist())
        )
    if not fixed_bias:
        return
    # The bias is not told, but it must be the same for both.
    first_bias, second_bias = (o.logits - o.class_map.mean((1, 2), dtype=np.float64) for o in (first, second))
    difference = float(abs(first_bias - second_bias).max())
    allowed = 1e-3 * max(1.0, float(abs(first.class_map).max()), float(abs(second.class_map).max()))
    if difference > allowed:
        raise LeukolensError(
            "The network's class map does not add up to its logits",
            expected=f"the same bias for any picture, within {allowed:.1e}",
            found=f"a difference of {difference:.1e}",
        )


def _guard(name: str, check: Callable[[], Check]) -> Check:
    """Turn whatever a check raises into its failure: a broken engine raises anything, or fails to load a library."""
    try:
        return check()
    except LeukolensError as error:
        return Check(name, "failed", str(error))
    except Exception as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}", "Install it anew, or use the other engine.")


def _compare(given: dict[str, NDArray[np.float64]]) -> Check:
    first, second = given.values()
    difference = float(abs(first - second).max())
    found = f"largest difference of a probability between the engines {difference:.1e}, allowed {AGREEMENT:.0e}"
    if difference <= AGREEMENT:
        return Check("engines agree", "ok", found)
    return Check("engines agree", "failed", found, "Use one engine only, and report this with the versions above.")
