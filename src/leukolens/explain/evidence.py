"""From class maps to evidence: which places speak for a class and against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.finding import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def class_evidence(class_map: NDArray[np.float32], labels: Sequence[str], label: str) -> NDArray[np.float32]:
    r"""Return the evidence of each place for one class against the mean of the others.

    The class map of a network with global average pooling and a linear head takes its logits apart by place, exactly:
    ``logit_c = mean_xy(map_c) + bias_c`` (class activation mapping, Zhou et al. 2016, doi 10.1109/CVPR.2016.319). For
    other heads the bias depends on the picture.
    Softmax only knows differences of logits, so the map of one class alone may be shifted by any constant. The contrast

    .. math:: e(x, y) = m_c(x, y) - \frac{1}{C - 1} \sum_{k \ne c} m_k(x, y)

    has no such freedom. Its mean, plus the same contrast of the biases, is the class's lead in logits.

    Parameters
    ----------
    class_map
        (C, h, w) float32, in logits.
    labels
        Names of the C classes, in the order of the map.
    label
        The class asked about.

    Returns
    -------
    NDArray
        (h, w) float32, in logits; positive where a place speaks for `label`.

    Raises
    ------
    UsageError
        `label` is not among `labels`, or their number is not that of the map.

    Examples
    --------
    >>> maps = np.array([[[3.0]], [[1.0]]], np.float32)
    >>> float(class_evidence(maps, ["Benign", "Pre-B"], "Benign")[0, 0])
    2.0
    """
    if class_map.ndim != 3 or len(labels) != class_map.shape[0] or len(labels) < 2:
        raise UsageError(
            "The class map does not fit the labels",
            expected=f"an array ({len(labels)}, h, w) and at least two labels",
            found=f"{class_map.shape}",
        )
    if label not in labels:
        raise UsageError(f"No class {label!r}", todo=nearest(label, labels))
    own = class_map[list(labels).index(label)].astype(np.float32)
    others = (class_map.sum(axis=0, dtype=np.float32) - own) / np.float32(len(labels) - 1)
    return np.asarray(own - others, np.float32)
