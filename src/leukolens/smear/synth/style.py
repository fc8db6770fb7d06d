"""How a laboratory's pictures look: named looks, and looks drawn between them."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from leukolens.smear.synth.imaging import Camera, Lens, Rgb, Stain

if TYPE_CHECKING:
    from collections.abc import Mapping

_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class Style:
    """A laboratory's look: `STYLES` holds named ones, `Style.named` finds one, `Style.sample` draws one."""

    name: str
    stain: Stain
    lens: Lens = field(default_factory=Lens)
    camera: Camera = field(default_factory=Camera)

    @staticmethod
    def named(name: str) -> Style:
        """Return the look of that name.

        Raises
        ------
        ValueError
            If no look has that name; the message gives the nearest.
        """
        return pick(STYLES, name, "style")

    @staticmethod
    def sample(rng: np.random.Generator) -> Style:
        """Return a look near one of `STYLES`, some way towards a second, every figure moved a little at random."""
        looks = list(STYLES.values())
        first, second = rng.choice(len(looks), size=2, replace=False)
        mixed = blend(looks[first], looks[second], float(rng.beta(0.5, 2.5)))
        return Style(
            mixed.name,
            Stain(**_moved(asdict(mixed.stain), rng)),
            Lens(**_moved(asdict(mixed.lens), rng)),
            Camera(**_moved(asdict(mixed.camera), rng)),
        )


def pick(known: Mapping[str, _Thing], name: str, what: str) -> _Thing:
    """Return ``known[name]``.

    Raises
    ------
    ValueError
        If it is not known; the message gives the nearest name.
    """
    if name in known:
        return known[name]
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown {what}: expected one of {', '.join(map(repr, known))}, found {name!r}.{hint}")


def blend(first: Style, second: Style, share: float) -> Style:
    """Return the look that is `share` (0 to 1) of the way from `first` to `second`.

    Raises
    ------
    ValueError
        If `share` is not in 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share of a blend: expected 0 to 1, found {share!r}")
    return Style(
        f"{first.name} {1 - share:.0%}, {second.name} {share:.0%}",
        Stain(**_between(asdict(first.stain), asdict(second.stain), share)),
        Lens(**_between(asdict(first.lens), asdict(second.lens), share)),
        Camera(**_between(asdict(first.camera), asdict(second.camera), share)),
    )


def _between(a: dict[str, Any], b: dict[str, Any], share: float) -> dict[str, Any]:
    mixed = {name: np.asarray(a[name]) * (1 - share) + np.asarray(b[name]) * share for name in a}
    return {name: _plain(value, like=a[name]) for name, value in mixed.items()}


def _moved(values: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Add to the figures of `_ADD` and multiply all others but those of `_KEEP`; colours move mostly as a whole."""
    moved = dict(values)
    for name, value in values.items():
        size = 3 if isinstance(value, tuple) else 1
        step = rng.standard_normal() + 0.4 * rng.standard_normal(size) * (size > 1)
        if name in _ADD:
            moved[name] = _plain(np.asarray(value) + _ADD[name] * step, like=value)
        elif name not in _KEEP:
            spread = 0.12 if size > 1 else _SPREAD.get(name, 0.2)
            moved[name] = _plain(np.asarray(value) * np.exp(spread * step), like=value)
    if "pallor" in moved:
        moved["pallor"] = min(max(moved["pallor"], 0.0), 0.95)
        moved["flatten"] = min(max(moved["flatten"], 0.0), 0.9)
    return moved


def _plain(value: np.ndarray[Any, Any], like: float | Rgb) -> float | Rgb:
    flat = [float(v) for v in np.ravel(value)]
    if isinstance(like, tuple):
        return flat[0], flat[1], flat[2]
    return round(flat[0]) if isinstance(like, int) else flat[0]


_ADD: Final = {"lamp": 0.015, "mired": 5.0, "pallor": 0.1, "saturation": 0.04}
_SPREAD: Final = {"blur": 0.35, "defocus": 0.5, "noise": 0.4, "refraction": 0.4}
_KEEP: Final = frozenset({"dust", "gamma"})

_LOOKS: Final = (
    Style(
        "violet",
        Stain(
            chromatin=(0.85, 1.5, 0.0),
            azure=(0.9, 0.6, 0.06),
            eosin=(0.12, 0.5, 0.2),
            orange=(0.25, 1.0, 0.6),
            haemoglobin=(0.83, 0.6, 0.16),
            pallor=0.45,
            flatten=0.65,
        ),
        Lens(lamp=(0.985, 1.015, 1.005), blur=0.11),
    ),
    Style(
        "pale grey",
        Stain(
            chromatin=(0.82, 1.5, 0.0),
            azure=(0.9, 0.75, 0.06),
            eosin=(0.12, 0.5, 0.2),
            orange=(0.25, 1.0, 0.6),
            haemoglobin=(0.72, 0.6, 0.27),
            pallor=0.25,
            flatten=0.7,
            crenated=0.05,
        ),
        Lens(lamp=(0.985, 1.01, 0.975), uneven=0.025),
    ),
    Style(
        "overexposed",
        Stain(
            chromatin=(0.85, 2.4, 0.0),
            azure=(1.3, 0.9, 0.05),
            eosin=(0.12, 0.45, 0.1),
            orange=(0.2, 1.0, 0.5),
            haemoglobin=(0.45, 0.58, 0.13),
            pallor=0.8,
            crenated=0.06,
        ),
        Lens(lamp=(1.015, 1.03, 1.02), uneven=0.03),
        Camera(noise=0.010),
    ),
    Style(
        "pink on green",
        Stain(
            chromatin=(0.12, 1.2, 0.0),
            azure=(0.6, 0.3, 0.1),
            eosin=(0.1, 0.5, 0.1),
            orange=(0.2, 0.9, 0.5),
            haemoglobin=(0.52, 0.38, 0.2),
            pallor=0.65,
        ),
        Lens(lamp=(1.0, 1.025, 0.915), blur=0.28, defocus=0.6),
    ),
    Style(
        "buff",
        Stain(
            chromatin=(2.05, 3.3, 0.85),
            azure=(1.1, 1.0, 0.25),
            eosin=(0.25, 0.6, 0.3),
            orange=(0.45, 1.4, 0.75),
            haemoglobin=(0.52, 0.8, 0.45),
            pallor=0.55,
        ),
        Lens(lamp=(1.0, 0.895, 0.8), vignette=0.02, uneven=0.006, dust=0),
        Camera(noise=0.008, sharpen=0.6),
    ),
    Style(
        "salmon",
        Stain(
            chromatin=(0.85, 1.15, 0.0),
            azure=(0.7, 0.5, 0.06),
            eosin=(0.12, 0.45, 0.3),
            orange=(0.2, 1.0, 0.6),
            haemoglobin=(0.32, 0.72, 0.7),
            pallor=0.35,
            flatten=0.75,
        ),
        Lens(lamp=(0.825, 0.835, 0.825), refraction=0.11, uneven=0.012, blur=0.1, defocus=0.25),
        Camera(noise=0.008, colour_noise=0.012, sharpen=0.1),
    ),
    Style(
        "slate",
        Stain(
            chromatin=(1.15, 1.95, 0.1),
            azure=(1.7, 1.5, 0.15),
            eosin=(0.5, 0.9, 0.5),
            orange=(0.6, 1.6, 0.9),
            haemoglobin=(1.5, 1.85, 1.1),
            pallor=0.35,
            flatten=0.75,
            plasma=0.03,
        ),
        Lens(lamp=(0.665, 0.67, 0.655), uneven=0.012, vignette=0.05, blur=0.18),
        Camera(noise=0.006, colour_noise=0.006),
    ),
    Style(
        "yellow lamp",
        Stain(
            chromatin=(1.65, 4.5, 0.35),
            azure=(1.0, 1.3, 0.2),
            eosin=(0.3, 1.1, 0.3),
            orange=(0.4, 1.6, 0.8),
            haemoglobin=(1.3, 1.85, 0.6),
            pallor=0.5,
        ),
        Lens(lamp=(0.765, 0.825, 0.59), refraction=0.08, vignette=0.03, uneven=0.01, dust=1, blur=0.16),
        Camera(noise=0.006, colour_noise=0.006),
    ),
    Style(
        "grey green",
        Stain(
            chromatin=(0.72, 1.6, 0.45),
            azure=(0.9, 0.7, 0.2),
            eosin=(0.2, 0.6, 0.3),
            orange=(0.3, 1.2, 0.7),
            haemoglobin=(0.55, 0.95, 0.5),
            pallor=0.3,
            flatten=0.6,
            crenated=0.08,
        ),
        Lens(lamp=(0.785, 0.83, 0.785), uneven=0.015, vignette=0.04, dust=1, blur=0.17),
        Camera(noise=0.016),
    ),
)

STYLES: Final[dict[str, Style]] = {style.name: style for style in _LOOKS}
"""Named looks. Their figures were fitted by eye and by mean colours to looks met in public sets of smears."""
