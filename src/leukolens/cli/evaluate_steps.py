"""Steps of ``leukolens evaluate`` that stand beside the judging: the threshold, other evaluations, pictures to show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leukolens.assess.against import align, compare_predictions
from leukolens.assess.past import PastEvaluation, read_evaluation
from leukolens.assess.thresholds import KEPT, STATED, ThresholdSource, threshold_from
from leukolens.data.catalogue import sha256_of
from leukolens.finding import LeukolensError
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.assess.evaluation import Evaluation, Settings
    from leukolens.assess.worst import Pictures
    from leukolens.cli.evaluate_request import Request
    from leukolens.data import Catalogue, Item
    from leukolens.smear.limits import Limits


def fix_threshold(request: Request, settings: Settings, bundle_sha256: str, images: Sequence[str]) -> Settings:
    """Say where the threshold comes from, and choose it on another evaluation where one was named.

    Parameters
    ----------
    request, settings
        What was asked for; `settings` has the threshold that was stated, or the default.
    bundle_sha256
        Of the model.
    images
        SHA-256 of the images that will be judged.

    Raises
    ------
    UsageError, DataError
        See `read_evaluation` and `threshold_from`.
    """
    if request.threshold_from is None:
        source = STATED if request.threshold is not None else ThresholdSource("the default, set before looking")
        return replace(settings, threshold_source=source)
    threshold, source = threshold_from(
        read_evaluation(request.threshold_from),
        KEPT if request.keep_sensitivity is None else request.keep_sensitivity,
        bundle_sha256=bundle_sha256,
        negative_classes=settings.negative_classes,
        images=images,
    )
    return replace(settings, threshold=threshold, threshold_source=source)


def set_against(evaluation: Evaluation, catalogue: Catalogue, others: Sequence[PastEvaluation]) -> Evaluation:
    """Test an evaluation against others of the same images.

    Raises
    ------
    DataError
        One is of other images, labels or classes.
    """
    if not others:
        return evaluation
    hashes = [sha256_of(item) for item in evaluation.items]
    lost = {one.path for one in evaluation.unread}
    unread = [sha256_of(item) for item in catalogue.items if item.path in lost]
    own = evaluation.predictions
    aligned = {(one.name, one.bundle): align(one, own, hashes, unread) for one in others}
    return replace(evaluation, against=compare_predictions(own, aligned, seed=evaluation.settings.seed))


def picture_reader(catalogue: Catalogue, limits: Limits) -> Pictures:
    """Return what reads an image of the data set again, and gives None where that fails."""

    def read(item: Item) -> NDArray[np.uint8] | None:
        try:
            return read_image(catalogue.locate(item), limits).pixels
        except (LeukolensError, OSError):
            return None

    return read
