"""The probes within an audit: fitted, measured and scored on files, told on the page and in the JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audit_sets import MANIFEST, render, save

pytest.importorskip("sklearn", reason="needs leukolens[audit]")

from leukolens.audit.findings import AuditResult
from leukolens.audit.installed import installed_parts
from leukolens.audit.parts import Parts
from leukolens.audit.result import describe_audit
from leukolens.audit.run import Settings, audit
from leukolens.audit.shortcuts import begin_probes, known_groups
from leukolens.data import open_catalogue
from leukolens.smear.perturb import shift_lamp

SKIP = frozenset({"fields", "sessions", "labels", "outliers"})


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 20 fields and two lamps; among them a file that cannot be read."""
    root = tmp_path_factory.mktemp("lamps")
    for number in range(40):
        lamp = (1.0, 0.9, 0.8) if number % 2 else (0.9, 0.9, 0.9)
        save(root / ("warm" if number % 2 else "cold") / f"{number}.png", shift_lamp(render(number), lamp))
    (root / "warm" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    return root


def audit_of(root: Path) -> AuditResult:
    found = audit(open_catalogue(root), Settings(jobs=1, skip=SKIP), parts=Parts(probes=begin_probes))
    return describe_audit(found, "lamps", MANIFEST)


@pytest.mark.slow
def test_a_lamp_for_each_class_is_told_and_what_even_light_does_to_it(lamps: Path) -> None:
    probes = audit_of(lamps).probes
    assert probes.status == "done"
    assert {"background", "mean colour"} <= set(probes.giving) <= set(probes.tried)
    assert "position of cells" not in probes.giving
    rows = {(row[0], row[1]): row for row in probes.rows}
    assert {len(row) for row in probes.rows} == {len(probes.headings)}
    assert rows["background", "as it is"][-1] == "gives the class away"
    assert rows["background", "even light"][-1] != "gives the class away"
    assert probes.report["classes"] == {"cold": 20, "warm": 20}
    assert probes.report["schemes"][1]["groups"] == 40
    assert len(probes.sentences) == len({row[0] for row in probes.rows})


@pytest.mark.slow
def test_too_few_pictures_say_what_would_be_needed(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / "ab"[number % 2] / f"{number}.png", render(number))
    probes = audit_of(tmp_path).probes
    assert probes.status != "done"
    assert "10 images each" in probes.reason


def test_fields_sessions_and_patients_keep_pictures_together(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / "a" / f"{number}.png", np.full((32, 32, 3), 20 * number, np.uint8))
    items = open_catalogue(tmp_path).items
    items = [replace(item, patient="p" if place > 3 else None) for place, item in enumerate(items)]

    class Seen:
        fields = (0, 1, 1, 2, 3, 4)
        sessions = (7, 7, 8, 9, 10, 11)

    material = Seen()
    material.items = items
    assert known_groups(material) == [0, 0, 0, 1, 2, 2]
    material.sessions = None
    assert known_groups(material) == [0, 1, 1, 2, 3, 3]


def test_an_audit_runs_the_probes_unless_told_otherwise() -> None:
    assert installed_parts().probes is begin_probes
