"""Names with a fixed meaning: the classes of the field network, the kinds of cells, the sentence about use."""

from __future__ import annotations

from typing import Final

CLASSES: Final = ("Benign", "Early Pre-B", "Pre-B", "Pro-B")
"""The Taleqani data set's own labels, in the order of the shipped network's outputs."""

CLASS_NOTE: Final = (
    "Benign, Early Pre-B, Pre-B and Pro-B are the immunophenotypic labels of the data set that the model learned from: "
    "they are no WHO categories and no stages of a disease, and Benign means hematogones, not healthy."
)

RESEARCH_USE: Final = "For research use only, not a diagnosis."

CELL_KINDS: Final = (
    "lymphoblast",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "band neutrophil",
    "eosinophil",
    "basophil",
    "immature granulocyte",
    "erythroblast",
    "hematogone",
    "plasma cell",
    "smudge cell",
    "platelet clump",
    "artefact",
    "unknown",
)
"""Kinds of cells after the ICSH recommendations (Palmer et al. 2015, doi 10.1111/ijlh.12327)."""
