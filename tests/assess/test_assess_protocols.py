from __future__ import annotations

import pytest

from leukolens.assess.protocols import Protocol, parse_protocols, split_by
from leukolens.finding import DataError, UsageError


def test_protocols_are_read_from_the_command_line():
    assert [one.name for one in parse_protocols([])] == ["grouped", "literature"]
    found = parse_protocols(["embargo:37", "literature", "leave-one-laboratory-out"])
    assert found[0] == Protocol("embargo", 37)
    assert [one.folder for one in found] == ["embargo-37", "literature", "leave-one-laboratory-out"]
    assert "an embargo of 37 files" in found[0].words


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["groupd"], "Did you mean 'grouped'"),
        (["embargo"], "embargo:N"),
        (["embargo:-1"], "embargo:N"),
        (["embargo:x"], "embargo:N"),
        (["grouped:3"], "only embargo has a number|Only embargo has a number"),
        (["grouped", "grouped"], "named twice"),
        ([""], "There is no protocol ''"),
    ],
)
def test_what_is_no_protocol_is_refused(texts, words):
    with pytest.raises(UsageError, match=words):
        parse_protocols(texts)


def test_each_protocol_has_its_split(catalogue, with_patients):
    options = {"groups": None, "folds": 3, "validation": "none", "seed": 88}
    made = split_by(Protocol("literature"), catalogue, **options)
    assert (made.method, made.leaky, made.seed) == ("random-image", True, 88)
    assert split_by(Protocol("grouped"), with_patients, **options).parameters["by"] == "patient"
    assert split_by(Protocol("embargo", 1), catalogue, **options).embargo == 1
    with pytest.raises(DataError, match="have no laboratory"):
        split_by(Protocol("leave-one-laboratory-out"), catalogue, **options)


def test_grouped_is_not_started_without_groups_or_patients(catalogue):
    with pytest.raises(DataError, match="not started without patients or groups") as error:
        split_by(Protocol("grouped"), catalogue, groups=None, folds=3, validation="none", seed=88)
    assert "leukolens audit" in (error.value.todo or "")


def test_one_fold_predicts_too_little(catalogue):
    with pytest.raises(UsageError, match="--folds 2 or more"):
        split_by(Protocol("literature"), catalogue, groups=None, folds=1, validation="none", seed=88)
