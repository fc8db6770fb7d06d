"""The probes: what each sees, and what to do where it gives the class away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leukolens.audit.probes.measure import CORNERS

FILE: Final = "file facts"
ORDER: Final = "order of the files"
WORST_CORNER: Final = "corner, worst of four"

_LAMP: Final = (
    "Lamp, stain and background differ between the classes. Split by session or slide, vary stain and lamp strongly in "
    "training, test the model on pictures with the background swapped, and report what another laboratory gives"
)
_CORNER: Final = (
    "Crop burned-in marks away, or cover the same corner in all pictures, also without a mark: painting out leaves "
    "traces. Where the corner still tells the class, it is the lamp that does"
)
_CELLS: Final = (
    "This may be biology, as leukaemia fills the marrow, or a choice made at the microscope. Balance the "
    "classes for it in the test set, or report the model's figures for fields with few and many cells"
)


@dataclass(frozen=True)
class Probe:
    """One probe.

    Attributes
    ----------
    name
        As in tables; for what is seen in pixels a key of `measure.PARTS`.
    sees
        All that it sees, in words, for a sentence "the class is told from ...".
    todo
        What to do where it gives the class away.
    pixels
        Whether it looks at the picture, so that a normalisation can change it.
    """

    name: str
    sees: str
    todo: str
    pixels: bool = True


PROBES: Final = (
    Probe("background", "the brightest 30 % of the pixels, which hold no cell", _LAMP),
    *(Probe(name, f"the {name.partition(', ')[2]} corner, 13 % by 20 % of the sides", _CORNER) for name in CORNERS),
    Probe(WORST_CORNER, "the corner that tells most", _CORNER),
    Probe("mean colour", "mean, spread and correlation of the channels, 9 numbers", _LAMP),
    Probe("colour histogram", "how often each channel has each of 32 values", _LAMP),
    Probe("number of cells", "how many dark nuclei there are, and how large", _CELLS),
    Probe("position of cells", "where in the field one of the dark nuclei lies, drawn at random", _CELLS),
    Probe(
        FILE,
        "the file's size, dimensions, compression tables and metadata",
        "Read all pictures from the camera's originals and save them in one way, at one size and quality, before "
        "anything else; what compression has done to the pixels cannot be undone afterwards",
        pixels=False,
    ),
    Probe(
        ORDER,
        "the number in the file's name, and the place in the listing where all files lie in one folder",
        "Never let a file's name or place reach the model, and do not split by it; give the patient or slide of each "
        "file instead",
        pixels=False,
    ),
)
