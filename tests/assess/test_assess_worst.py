"""The page of the worst errors."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from assess_evaluations import evaluation_from
from assess_samples import guess, perfect

from leukolens.assess.about import About
from leukolens.assess.seen import Training
from leukolens.assess.worst import SHOWN, errors_page, worst_errors

pytest.importorskip("scipy", reason="needs leukolens[train]")

ABOUT = About("red", "1", "ab" * 32, "net", "none", "f32", "<data>", "cd" * 32, "", Training("unknown", ""))


@pytest.fixture(scope="module")
def evaluation():
    sample = guess(400, 4, 1.0, 3, group=20)
    features = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    return evaluation_from(sample, patients=True, features=features, novelty=np.full(400, 0.75))


def picture(item):
    return None if item.path == "unreadable" else np.full((300, 500, 3), 90, np.uint8)


def test_the_surest_come_first_and_are_wrong(evaluation):
    worst, own = worst_errors(evaluation), evaluation.predictions
    assert len(worst) == SHOWN
    assert [one.sureness for one in worst] == sorted((one.sureness for one in worst), reverse=True)
    assert all(own.predicted[one.index] != own.labels[one.index] for one in worst)
    left = (own.predicted != own.labels).sum() - SHOWN
    assert left > 0
    assert len(worst_errors(evaluation, 10_000)) == SHOWN + left


def test_neighbour_is_right_of_the_same_group_and_class_and_the_nearest(evaluation):
    own, features = evaluation.predictions, evaluation.features
    told = [one for one in worst_errors(evaluation) if one.neighbour is not None]
    assert told
    for one in told:
        candidates = [
            other
            for other in range(400)
            if own.groups[other] == own.groups[one.index]
            and own.labels[other] == own.labels[one.index]
            and own.predicted[other] == own.labels[other]
        ]
        cosines = [
            features[other]
            @ features[one.index]
            / np.linalg.norm(features[other])
            / np.linalg.norm(features[one.index])
            for other in candidates
        ]
        assert one.neighbour == candidates[int(np.argmax(cosines))]


def test_page_stands_alone_and_is_bounded(evaluation):
    text = errors_page(evaluation, ABOUT, "today", picture)
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "<script" not in text
    assert len(text) < 2_000_000
    assert "&lt;data&gt;" in text
    assert text.count("<article>") == SHOWN
    assert "novelty</dt><dd>0.75" in text
    assert "patient P" in text
    assert "No split: all images" in text
    widths = {int(found) for found in re.findall(r'width="(\d+)"', text)}
    assert widths <= {224, 112}
    opened = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "img", "br"}:
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed(text)
    assert opened == []


def test_pictures_that_are_gone_and_features_that_are_not_known():
    sample = guess(80, 4, 0.5, 3)
    text = errors_page(evaluation_from(sample), ABOUT, "today", lambda _: None)
    assert "<img" not in text
    assert "no right neighbour" in text
    assert "<article>" in errors_page(evaluation_from(sample), ABOUT, "today")


def test_no_error_says_so():
    text = errors_page(evaluation_from(perfect((10, 20, 30))), ABOUT, "today", picture)
    assert "No image was given a wrong class" in text
    assert "<article>" not in text
