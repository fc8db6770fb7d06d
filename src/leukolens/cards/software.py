"""What leukolens does and says whichever bundle it runs: the same for every card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens import __version__
from leukolens.cards.facts import code
from leukolens.finding import RESEARCH_USE

if TYPE_CHECKING:
    from leukolens.cards.facts import FactBook

NOT_FOR: Final = (
    "Not for diagnosis, and not for anything on pictures from a laboratory other than the one that it learned from: a "
    "field network learns lamp, stain and camera with the cells. It does not see single cells."
)
FACTORS: Final = (
    "Laboratory, and with it stain, lamp, microscope, camera and burned-in scale bar; patient; class. The figures "
    "follow the classes; what a change of stain, lamp or camera does is measured under stress."
)
_DECISION: Final = (
    "A picture is reported only where it lies in the domain and not at its border, where the prediction set has one "
    "label, where that label agrees with the probability of leukaemia, and where no measure of quality is out of its "
    "usual range; everything else is sent to review, with the reason."
)
_QUALITY: Final = (
    "A file that cannot be read as an image is listed with the reason and judged nowhere. Sharpness, exposure, colour "
    "and stain are measured; a picture outside the usual range of one is sent to review. A picture without nuclear "
    "stain gets no probability."
)
_USER: Final = (
    "A user gives files or folders and chooses nothing about a picture (a declared squeeze or pixel size may be "
    "given). Pictures sent to review need a person who can read a smear."
)
_EXPLAINED: Final = (
    "A class map whose mean plus a bias is the class's logit, drawn over the picture: it shows where the evidence for "
    "a label lies, exactly and not by an approximation."
)
_INTERVALS: Final = (
    "95 % intervals, over groups of images where patients or groups are known: score-type intervals for proportions, "
    "Newcombe's for areas, BCa bootstrap for losses; their coverage is tested by simulation."
)
_SEVERAL: Final = (
    "Accuracy, balanced accuracy; for each class recall, precision, specificity, F1, area under the ROC curve, average "
    "precision; log loss, Brier score, confidence gap; for leukaemia or not sensitivity, specificity, predictive "
    "values. Drawn: confusion matrix, ROC and precision-recall curves, reliability."
)
_UNREAD: Final = (
    "A file that cannot be read is listed and in no figure; nothing is imputed, and no picture is left out for its "
    "quality."
)


def add_software_facts(book: FactBook) -> None:
    """Add what holds for every bundle, each with the code that does it."""
    book.add("software.use", RESEARCH_USE, code("leukolens.finding.terms.RESEARCH_USE"))
    book.add("software.not-for", NOT_FOR, code("leukolens.cards.software.NOT_FOR"))
    book.add("software.factors", FACTORS, code("leukolens.cards.software.FACTORS"))
    book.add("software.decision", _DECISION, code("leukolens.trust.decision.decide"))
    book.add("software.quality", _QUALITY, code("leukolens.smear.quality.measure_quality"))
    book.add("software.user", _USER, code("leukolens.cli.screen"))
    book.add("software.explained", _EXPLAINED, code("leukolens.explain.evidence"))
    book.add("software.unread", _UNREAD, code("leukolens.assess.judging.evaluate"))
    book.add("software.measures", _SEVERAL, code("leukolens.assess.scores"))
    book.add("software.intervals", _INTERVALS, code("leukolens.statistics.intervals"))
    book.add(
        "software.predictions",
        "A picture is judged by the code that screens: read, prepared, the ONNX network in 32-bit floats, softmax of "
        "the logits over the temperature.",
        code("leukolens.assess.pipeline.BundlePredictor"),
    )
    book.add(
        "software.code",
        "The code that trains, evaluates and screens is leukolens, open source under Apache-2.0; each result has a "
        "manifest with the command, the code's version and the packages.",
        code("leukolens.data.run_manifest.run_manifest"),
    )
    book.add(
        "software.duplicates",
        "Exact copies never stand on two sides of a split.",
        code("leukolens.data.grouping.group_images"),
    )


def version_line() -> str:
    """Return what a card says of the program that wrote it."""
    return f"Written by leukolens {__version__}."
