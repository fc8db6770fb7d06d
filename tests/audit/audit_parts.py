"""Parts as simple as can be, by the first number of a file's name: what is tested is that parts are called and told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from leukolens.audit.links import Link
from leukolens.audit.parts import (
    FieldPart,
    FieldsFound,
    Material,
    Parts,
    ProbePart,
    ProbesFound,
    SessionPart,
    SessionsFound,
)
from leukolens.audit.picture import Picture
from leukolens.data.catalogue import Catalogue


def describe(picture: Picture) -> tuple[str, int]:
    return picture.file.stem, int(picture.clean.mean())


def find_fields(material: Material, features: Sequence[tuple[str, int]]) -> FieldsFound:
    """The files 8 and 9 of the first class show one field; so do the first two near-duplicates, which are known."""
    assert len(features) == len(material.items)
    places = [place for place, (stem, _) in enumerate(features) if stem in {"8", "9"}][:2]
    groups = [places[0] if place in places else place for place in range(len(features))]
    known = [Link(near.first, near.second, "same field", 1.0, "known already") for near in material.near[:1]]
    link = Link(places[0], places[1], "same field", 0.7, "shifted by 12 px")
    return FieldsFound([link, *known], groups, {"method": "by name", "expected_false": 0.1})


def find_sessions(material: Material, features: Sequence[tuple[str, int]]) -> SessionsFound:
    """Eight neighbouring files of a class are a session."""
    # By now a field holds whole groups of copies.
    assert len(set(zip(material.copies, material.fields, strict=True))) == len(set(material.copies))
    groups = [(item.label, place // 8) for place, item in enumerate(material.items)]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return SessionsFound([numbers[group] for group in groups], ["Eight files each."], {"method": "by number"})


def run_probes(material: Material, features: Sequence[tuple[str, int]]) -> ProbesFound:
    assert material.sessions is not None
    rows = [("brightness", "none", "91.0 (85.0 to 95.0)"), ("brightness", "grey", "55.0 (47.0 to 63.0)")]
    sentences = [f"Brightness gives the class away on {len(features)} pictures."]
    return ProbesFound(
        ["brightness", "size"],
        ["brightness"],
        ("Probe", "Look", "Random folds, %"),
        rows,
        sentences,
        ["Two rows."],
        {"n": 2},
    )


def describe_above(picture: Picture, above: int) -> bool:
    return bool(picture.clean.mean() > above)


def begin_probes(catalogue: Catalogue, seed: int) -> ProbePart:
    """What is fitted beforehand travels with the function."""
    return ProbePart(partial(describe_above, above=len(catalogue) + seed - seed), run_probes)


PARTS = Parts(FieldPart(describe, find_fields), SessionPart(describe, find_sessions), begin_probes)
