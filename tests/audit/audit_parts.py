"""Parts as simple as can be, by the first number of a file's name: what is tested is that parts are called and told."""

from __future__ import annotations

from collections.abc import Sequence

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
from leukolens.audit.probe_row import ProbeRow


def describe(picture: Picture) -> tuple[str, int]:
    return picture.file.stem, int(picture.clean.mean())


def find_fields(material: Material, features: Sequence[tuple[str, int]]) -> FieldsFound:
    """The files 8 and 9 of the first class show one field."""
    assert len(features) == len(material.items)
    places = [place for place, (stem, _) in enumerate(features) if stem in {"8", "9"}][:2]
    groups = [places[0] if place in places else place for place in range(len(features))]
    link = Link(places[0], places[1], "same field", 0.7, "shifted by 12 px")
    return FieldsFound([link], groups, {"method": "by name", "expected_false": 0.1})


def find_sessions(material: Material, features: Sequence[tuple[str, int]]) -> SessionsFound:
    """Eight neighbouring files of a class are a session."""
    # By now a field holds whole groups of copies.
    assert len(set(zip(material.copies, material.fields, strict=True))) == len(set(material.copies))
    groups = [(item.label, place // 8) for place, item in enumerate(material.items)]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return SessionsFound([numbers[group] for group in groups], ["Eight files each."], {"method": "by number"})


def run_probes(material: Material, features: Sequence[tuple[str, int]]) -> ProbesFound:
    assert material.sessions is not None
    row = ProbeRow(
        probe="brightness",
        what="the mean of all pixels",
        normalisation="none",
        balanced_accuracy=0.91,
        low=0.85,
        high=0.95,
        chance=0.5,
        null_mean=0.5,
        null_high=0.58,
        p=0.001,
        pictures=len(features),
        groups=len(set(material.fields)),
    )
    quiet = row.model_copy(update={"normalisation": "grey", "balanced_accuracy": 0.55, "p": 0.2})
    return ProbesFound([row, quiet], ["Two rows."], {"permutations": 1000})


PARTS = Parts(FieldPart(describe, find_fields), SessionPart(describe, find_sessions), ProbePart(describe, run_probes))
