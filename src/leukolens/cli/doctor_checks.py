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

ENGINES: Final = ("openvino", "onnxruntime")
AGREEMENT: Final = 1e-4
"""Largest difference of a probability between two engines."""

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
                title, "missing", f"not here: {', '.join(absent)}", f"To have it: pip install 'leukolens[{extra}]'"
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
    """Screen one rendered field on each engine, and compare."""
    rendered = _render()
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


def _render() -> NDArray[np.uint8]:
    from leukolens.smear.synth import render_field

    return render_field(seed=7).pixels


def _screen_on(
    engine: str, bundle: Bundle, rendered: NDArray[np.uint8], given: dict[str, NDArray[np.float64]]
) -> Check:
    import numpy as np

    from leukolens.screen import load

    finding = load(bundle, engine=engine, threads=1).screen(rendered, name="a rendered field")
    if finding.field is None:
        raise LeukolensError("The rendered field got no answer", found=finding.reason)
    values = np.array(list(finding.field.probabilities.values()))
    if not np.isfinite(values).all():
        raise LeukolensError("The network's answer is no number", found=str(values.tolist()))
    given[engine] = values
    model = finding.models[0]
    return Check(f"engine {engine}", "ok", f"{model.engine} in {model.precision} screened a rendered field")


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
