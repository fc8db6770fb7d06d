"""A wrong name gets the one that was probably meant."""

from __future__ import annotations

import pytest

from leukolens.finding import nearest

RECIPES = ["thesis-attention", "thesis-resnet101", "thesis-resnet152v2all", "thesis-vgg19"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("thesis-resnet152", "thesis-resnet152v2all"),
        ("thesis-resnet10", "thesis-resnet101"),
        ("thesis-resnet1O1", "thesis-resnet101"),
        ("thesis-vg", "thesis-vgg19"),
        ("thesis-atention", "thesis-attention"),
    ],
)
def test_a_name_that_begins_with_the_wrong_one_is_nearest(name: str, meant: str) -> None:
    assert nearest(name, RECIPES).startswith(f"Did you mean {meant!r}? Known: thesis-attention, ")


def test_nothing_is_near_no_name_or_a_strange_one() -> None:
    assert nearest("", RECIPES).startswith("Known: ")
    assert nearest("xyz", RECIPES).startswith("Known: ")


def test_of_very_many_names_only_the_nearest_are_listed() -> None:
    many = [f"network{number}_large" for number in range(90)] + ["net", "network7"]
    told = nearest("network7", many)
    assert told.startswith("Did you mean 'network7'? 92 names are known, the nearest: network7, network7_large")
    assert told.count(",") == 5
