"""What an evaluation cannot tell because images of a class, or of a side, are not there or hardly there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.data.check import FEW

if TYPE_CHECKING:
    from leukolens.assess.scores import Scores


def warn_of_absent(scores: Scores) -> list[str]:
    """Say which figures the images do not allow and what would be needed, one sentence or two each.

    Parameters
    ----------
    scores
        Figures of at least one image.

    Returns
    -------
    list of str
        Empty where every class has images enough.
    """
    counts = dict(zip(scores.classes, scores.support, strict=True))
    there = [name for name, images in counts.items() if images]
    absent = [name for name in counts if name not in there]
    warnings = []
    if len(there) < 2:
        warnings.append(
            f"One class alone ({there[0]}): what sets classes against each other (AUC, average precision, precision, "
            "specificity) is not defined. Needed: images of two classes at least, in a folder each or by a column of "
            "labels."
        )
    warnings += _sides(scores, counts)
    if absent:
        what = "it" if len(absent) == 1 else "them"
        warnings.append(f"There is no image of {', '.join(absent)}: averages over classes leave {what} out.")
    few = [f"{name} ({counts[name]})" for name in there if counts[name] < FEW]
    if few:
        warnings.append(f"Fewer than {FEW} images of {', '.join(few)}: too few to show anything of the class.")
    return warnings


def _sides(scores: Scores, counts: dict[str, int]) -> list[str]:
    own = scores.leukaemia
    if own is None:
        return []
    names = " or ".join(own.negative_classes)
    without = sum(counts[name] for name in own.negative_classes)
    undefined = "AUC, PPV and NPV of leukaemia are not defined. Needed: images of"
    if not without:
        return [f"No image without leukaemia ({names}): specificity, {undefined} {names}."]
    if without == sum(counts.values()):
        return [f"No image of leukaemia: sensitivity, {undefined} a class other than {names}."]
    return []
