"""Steps of preprocessing as data: what a recipe and a bundle hold, fitted on training pictures, applied in turn."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from leukolens.finding import UsageError, nearest
from leukolens.smear.normalisation import illumination, macenko, reinhard, vahadane
from leukolens.smear.normalisation.illumination import FlattenIllumination
from leukolens.smear.normalisation.macenko import Macenko
from leukolens.smear.normalisation.reinhard import Reinhard
from leukolens.smear.normalisation.vahadane import Vahadane
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans, apply_mask, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from pydantic_core import ErrorDetails

    Picture = NDArray[np.uint8]
    Watch = Callable[["Step", Picture, Picture, float], None]

Normalisation = FlattenIllumination | Reinhard | Macenko | Vahadane
Segmentation = SegmentKMeans | SegmentHSV
Step = Annotated[Normalisation | Segmentation, Field(discriminator="kind")]

_MODELS: Final = (FlattenIllumination, Reinhard, Macenko, Vahadane, SegmentKMeans, SegmentHSV)
_ADAPTER: Final[TypeAdapter[Normalisation | Segmentation]] = TypeAdapter(Step)
KINDS: Final[Mapping[str, type[Normalisation | Segmentation]]] = {
    str(model.model_fields["kind"].default): model for model in _MODELS
}
"""Every step by its kind."""


def apply_steps(rgb: Picture, steps: Sequence[Normalisation | Segmentation], watch: Watch | None = None) -> Picture:
    """Apply steps in turn.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    steps
        Fitted where they need it.
    watch
        Called after each step with the step, the picture before and after it, and the seconds that it took.

    Returns
    -------
    ndarray
        (H, W, 3) uint8; `rgb` itself where there are no steps.

    Raises
    ------
    UsageError
        A step needs a reference and has none.
    """
    for step in steps:
        start = time.perf_counter()
        after = apply_step(rgb, step)
        if watch is not None:
            watch(step, rgb, after, time.perf_counter() - start)
        rgb = after
    return rgb


def apply_step(rgb: Picture, step: Normalisation | Segmentation) -> Picture:
    """Apply one step; see `apply_steps`."""
    if isinstance(step, (SegmentKMeans, SegmentHSV)):
        return apply_mask(rgb, segment(rgb, step))
    if isinstance(step, FlattenIllumination):
        return illumination.transform(rgb, step)
    if isinstance(step, Reinhard):
        return reinhard.transform(rgb, step)
    if isinstance(step, Macenko):
        return macenko.transform(rgb, step)
    return vahadane.transform(rgb, step)


def tells_dyes(rgb: Picture, step: Normalisation | Segmentation) -> bool:
    """Tell whether a step finds what it works on in a picture (H, W, 3) uint8.

    False where Macenko or Vahadane cannot tell two dyes apart and only bring its background to the reference's; True
    for every other step.
    """
    if isinstance(step, Macenko):
        return macenko.tells_dyes(rgb, step)
    if isinstance(step, Vahadane):
        return vahadane.tells_dyes(rgb, step)
    return True


def needs_fit(step: Normalisation | Segmentation) -> bool:
    """Tell whether a step cannot be applied before it is fitted."""
    if isinstance(step, (SegmentKMeans, SegmentHSV)):
        return False
    if isinstance(step, FlattenIllumination) and step.level == "own":
        return False
    return step.reference is None


def fit_steps(
    steps: Sequence[Normalisation | Segmentation], pictures: Iterable[Picture]
) -> tuple[Normalisation | Segmentation, ...]:
    """Fit the steps that need it, each on the pictures as the steps before it leave them.

    Parameters
    ----------
    steps
        Those that have a reference already keep it.
    pictures
        (H, W, 3) uint8 each, of the training side alone. They are all held at a time.

    Returns
    -------
    tuple
        The steps, each ready to be applied.

    Raises
    ------
    ImageError
        A step cannot be fitted on these pictures.
    """
    if not any(needs_fit(step) for step in steps):
        return tuple(steps)
    seen, fitted = list(pictures), []
    for step in steps:
        ready = fit_step(step, seen) if needs_fit(step) else step
        fitted.append(ready)
        seen = [apply_step(rgb, ready) for rgb in seen]
    return tuple(fitted)


def fit_step(step: Normalisation | Segmentation, pictures: Sequence[Picture]) -> Normalisation | Segmentation:
    """Return one step with the reference of these pictures; see `fit_steps`."""
    if isinstance(step, FlattenIllumination):
        return step.model_copy(update={"reference": illumination.fit(pictures, step)})
    if isinstance(step, Reinhard):
        return step.model_copy(update={"reference": reinhard.fit(pictures, step)})
    if isinstance(step, Macenko):
        return step.model_copy(update={"reference": macenko.fit(pictures, step)})
    if isinstance(step, Vahadane):
        return step.model_copy(update={"reference": vahadane.fit(pictures, step)})
    return step


def parse_step(raw: Mapping[str, Any]) -> Normalisation | Segmentation:
    """Read one step from a mapping such as ``{"kind": "macenko", "alpha": 2}``.

    Raises
    ------
    UsageError
        An unknown kind or key, with the nearest, or a value out of range.
    """
    try:
        return _ADAPTER.validate_python(dict(raw))
    except ValidationError as error:
        first = error.errors()[0]
        words, hint = explain_step(first)
        place = ".".join(str(part) for part in first["loc"])
        if not place:
            raise UsageError(words, todo=hint) from error
        where = f"step {raw.get('kind')!r}, field {place!r}"
        raise UsageError(f"{where}: {words}", found=repr(first["input"])[:100], todo=hint) from error


def explain_step(error: ErrorDetails) -> tuple[str, str | None]:
    """Say what is wrong with a step.

    Parameters
    ----------
    error
        Of validation, of whatever field.

    Returns
    -------
    words : str
        In one clause; those of the validation where there are no better ones.
    hint : str or None
        Which kind of step, or which key of one, was probably meant; None for errors of other fields.
    """
    of_kind = error.get("ctx", {}).get("discriminator") == "'kind'"
    if of_kind and error["type"] == "union_tag_invalid":
        known = re.findall(r"'([^']*)'", str(error["ctx"]["expected_tags"]))
        return f"unknown step {error['ctx']['tag']!r}", nearest(str(error["ctx"]["tag"]), known)
    if of_kind and error["type"] == "union_tag_not_found":
        return "a step without a kind", f"Say which with kind. Known: {', '.join(KINDS)}."
    if error["type"] == "model_attributes_type":
        name = str(error["input"])
        return "a step is a mapping", f"write {{kind: {name}}}" if name in KINDS else nearest(name, KINDS)
    if error["type"] == "tuple_type" and error["loc"][-1:] == ("steps",):
        return "steps are a list", "write [{kind: macenko}], one such entry a step"
    kinds = [part for part in error["loc"][:-1] if part in KINDS]
    if error["type"] == "extra_forbidden" and kinds and error["loc"][-2:-1] == (kinds[-1],):
        return "unknown key", nearest(str(error["loc"][-1]), KINDS[str(kinds[-1])].model_fields)
    return error["msg"], None
