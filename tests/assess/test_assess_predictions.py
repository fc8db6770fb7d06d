from __future__ import annotations

import numpy as np
import pytest
from assess_samples import NAMES, guess

from leukolens.assess.predictions import check_predictions
from leukolens.finding import DataError


def test_names_and_indices_mean_the_same():
    probabilities = [[0.7, 0.3], [0.2, 0.8]]
    by_name = check_predictions(["A", "B"], probabilities, ("A", "B"))
    by_index = check_predictions([0, 1], probabilities, ("A", "B"))
    assert np.array_equal(by_name.labels, by_index.labels)
    assert by_name.support.tolist() == [1, 1]
    assert by_name.predicted.tolist() == [0, 1]


def test_float32_rows_are_brought_to_one():
    raw = np.array([[0.1, 0.2, 0.7000001]], np.float32)
    checked = check_predictions([2], raw, NAMES[:3])
    assert checked.probabilities.dtype == np.float64
    assert checked.probabilities.sum() == pytest.approx(1, abs=1e-15)


def test_groups_of_one_image_are_no_groups():
    assert check_predictions([0, 1], [[1, 0], [0, 1]], ("A", "B"), ["p1", "p2"]).groups is None
    assert check_predictions([0, 1], [[1, 0], [0, 1]], ("A", "B"), ["p1", "p1"]).groups.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("labels", "probabilities", "classes", "groups", "part"),
    [
        ([], np.zeros((0, 2)), ("A", "B"), None, "N of at least 1"),
        ([0], [[0.5, 0.5, 0.0]], ("A", "B"), None, r"\(1, 3\)"),
        ([0, 1], [[0.5, 0.5]], ("A", "B"), None, "Labels and probabilities disagree"),
        ([2], [[0.5, 0.5]], ("A", "B"), None, "0 to 1"),
        ([-1], [[0.5, 0.5]], ("A", "B"), None, "from -1"),
        ([0.5], [[0.5, 0.5]], ("A", "B"), None, "float64"),
        (["C"], [[0.5, 0.5]], ("A", "B"), None, "found C"),
        ([0], [[0.5, 0.6]], ("A", "B"), None, "Row 0"),
        ([0], [[np.nan, 1.0]], ("A", "B"), None, "Row 0"),
        ([0], [[-0.1, 1.1]], ("A", "B"), None, "Row 0"),
        ([0], [[1.0]], ("A",), None, "two different names"),
        ([0], [[0.5, 0.5]], ("A", "A"), None, "two different names"),
        ([0], [[0.5, 0.5]], ("A", "B"), ["x", "y"], "Groups and probabilities disagree"),
    ],
)
def test_wrong_input_is_told(labels, probabilities, classes, groups, part):
    with pytest.raises(DataError, match=part):
        check_predictions(labels, probabilities, classes, groups)


def test_present_leaves_out_classes_without_images():
    predictions = guess(50, 3)
    chosen = predictions.labels != 1
    fewer = check_predictions(predictions.labels[chosen], predictions.probabilities[chosen], NAMES[:3])
    assert fewer.present.tolist() == [0, 2]
