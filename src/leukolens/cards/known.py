"""What publications say of known data sets, by the topics that people would otherwise be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.cards.facts import Source, Statement
from leukolens.data.catalogue import TALEQANI_LAYOUT

if TYPE_CHECKING:
    from leukolens.engine.spec import Provenance

TALEQANI_DOI: Final = "10.34740/KAGGLE/DSV/2175623"
_DATA: Final = Source("literature", f"doi:{TALEQANI_DOI}")
_PAPER: Final = Source("literature", "doi:10.1002/int.22753")
_LEUKOLENS: Final = Source("literature", "docs/data.md", "of leukolens")

_BOTH: Final = (_DATA, _LEUKOLENS)

_TALEQANI: Final[dict[str, tuple[str, tuple[Source, ...]]]] = {
    "authors": ("Aria et al. 2021; paper by Ghaderzadeh et al. 2022.", (_DATA, _PAPER)),
    "setting": ("One hospital: Taleqani Hospital, Tehran.", (_DATA,)),
    "data-origin": (
        "Smears of Taleqani Hospital, Tehran: the ALL image data set that its authors put on Kaggle.",
        (_DATA,),
    ),
    "acquisition": ("Fields of view at 100x, delivered at 224 x 224 px, squeezed from 4:3.", _BOTH),
    "reference-standard": (
        "By patient, from flow cytometry, not image by image. The labels are the data set's own immunophenotypic ones; "
        "Benign means hematogones, not healthy.",
        (_DATA, _PAPER, _LEUKOLENS),
    ),
    "larger-set": (
        "The whole data set has 3,256 images of 89 patients: 504 Benign, 985 Early Pre-B, 963 Pre-B, 804 Pro-B. Fewer "
        "here means that it is a part.",
        (*_BOTH, _PAPER),
    ),
    "missing-information": ("Which image is of which of the 89 patients.", (_LEUKOLENS,)),
    "relationships": (
        "No patients or slides are named. File numbers follow the order of capture where neighbours are of one slide; "
        "Benign interleaves its patients.",
        (_LEUKOLENS,),
    ),
    "recommended-split": (
        "Not at random by image, which leaks: in contiguous blocks with an embargo, or by recovered groups.",
        (_LEUKOLENS,),
    ),
    "noise": (
        "Of the 2,880 images used in development, 40 files of Pro-B are byte-for-byte copies of a neighbour; there are "
        "repeated captures of a field.",
        (_LEUKOLENS,),
    ),
    "cleaning": (
        "Brought to 224 x 224 px; the folder Segmented holds the same images again, segmented by the authors.",
        _BOTH,
    ),
    "prior-uses": ("Ghaderzadeh et al. 2022, and the shipped model of leukolens.", (_PAPER, _LEUKOLENS)),
    "use-risks": (
        "Images of one patient, slide or field stand beside each other without a name, so that a split by image leaks; "
        "a model may learn lamp, stain and camera with the cells.",
        (_LEUKOLENS,),
    ),
    "unsuitable-uses": ("Diagnosis; taking Benign for healthy, or the labels for stages of a disease.", (_LEUKOLENS,)),
    "distribution": ("Yes, on Kaggle.", (_DATA,)),
    "distribution-how": (
        f"Kaggle, mehradaria/leukemia, doi {TALEQANI_DOI}; fetched by leukolens data get taleqani.",
        _BOTH,
    ),
    "data-licence": ("No licence text was seen; cite the authors.", _BOTH),
    "data-availability": (f"Kaggle, mehradaria/leukemia, doi {TALEQANI_DOI}.", (_DATA,)),
}


def known_answers(layout: str) -> dict[str, Statement]:
    """Return what is published of a data set of this layout, by topic; nothing for others."""
    if layout != TALEQANI_LAYOUT:
        return {}
    return {topic: Statement(text, sources) for topic, (text, sources) in _TALEQANI.items()}


def known_of_training(provenance: Provenance) -> dict[str, Statement]:
    """Return what is published of the data that a bundle learned from, where its citations name a known data set.

    What is about a model and not about data (its authors, its uses) is left out.
    """
    named = " ".join((provenance.terms, *provenance.citations))
    if TALEQANI_DOI.lower() not in named.lower():
        return {}
    kept = ("setting", "data-origin", "acquisition", "reference-standard", "data-availability")
    answers = known_answers(TALEQANI_LAYOUT)
    return {topic: answers[topic] for topic in kept}
