"""A small laboratory on disk: rendered cases, their truth, readers, and the way through a verification."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from leukolens.cli.main import main
from leukolens.smear.synth import Content, Style, render_field
from leukolens.smear.synth.demo import encode

BY = "A. Turner"
SICK = ("C1", "C2", "C3", "C4")
WELL = ("C5", "C6", "C7", "C8")
CASES = SICK + WELL


def write_table(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


def write_field(path: Path, seed: int, content: str) -> None:
    field = render_field(seed, width=640, height=480, style=Style.named("violet"), content=Content.named(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(field.pixels, ".png"))


def make_laboratory(root: Path) -> Path:
    """Eight cases of one picture, C1 and C5 captured twice; truth, and two readers, one with a second reading.

    What a model says of them is not fixed here: tests count from its answers.
    """
    cases, truth = [["case", "images", "repeat_of", "day"]], [["case", "truth", "reference", "subtype"]]
    for seed, case in enumerate(CASES):
        content = "all" if case in SICK else "benign" if case == "C5" else "no white cells"
        write_field(root / "images" / case / "field.png", seed, content)
        cases.append([case, f"images/{case}", "", "2026-03-01"])
        truth.append([case, "leukaemia" if case in SICK else "no leukaemia", "flow", "Pre-B" if case in SICK else ""])
    for case, seed, content in (("C1", 1, "crowded"), ("C5", 20, "normal blood")):
        write_field(root / "images" / f"{case}b.png", seed, content)
        cases.append([f"{case}b", f"images/{case}b.png", case, "2026-03-02"])
    write_table(root / "cases.csv", cases)
    write_table(root / "truth.csv", truth)
    readings = [["reader", "case", "answer", "reading", "date"]]
    for reader, wrong in (("Dr A", ()), ("Dr B", ("C2",))):
        readings += [[reader, case, _answer(case, wrong), 1, "2026-03-01"] for case in CASES]
    readings += [["Dr A", case, _answer(case, ("C7",)), 2, "2026-03-10"] for case in CASES]
    write_table(root / "readings.csv", readings)
    return root


def _answer(case: str, wrong: tuple[str, ...]) -> str:
    return "leukaemia" if (case in SICK) != (case in wrong) else "no leukaemia"


def call(*words: object) -> int:
    return main(["verify-site", *map(str, words)])


def plan(folder: Path, criteria: str = "", **options: object) -> int:
    """Write a plan for eight cases; `criteria`, lines of YAML, take the place of those written."""
    given = {"leukaemia": 4, "no-leukaemia": 4, "sensitivity": 0.3, "specificity": 0.3} | options
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    code = call("plan", "--out", folder, "--laboratory", "St Elsewhere", "--by", BY, *words)
    if criteria:
        path = folder / "plan.yaml"
        head, _, rest = path.read_text("utf-8").partition("criteria:\n")
        tail = rest[rest.index("\nreaders:") :]
        path.write_text(f"{head}criteria:\n{criteria}{tail}", encoding="utf-8")
    return code


def go(laboratory: Path, folder: Path, *, until: str = "report", criteria: str = "") -> int:
    """Take a verification through its steps up to one of them; return that one's exit code."""
    steps = {
        "cases": ["cases", folder, laboratory / "cases.csv", "--truth", laboratory / "truth.csv"],
        "run": ["run", folder, "--threads", 1],
        "readings": ["readings", folder, laboratory / "readings.csv"],
        "unblind": ["unblind", folder, "--truth", laboratory / "truth.csv"],
        "report": ["report", folder],
    }
    code = plan(folder, criteria)
    for name, words in steps.items():
        if until == "plan":
            break
        assert code == 0
        code = call(*words, "--by", BY)
        if name == until:
            break
    return code


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Call, see that it is refused, and return what it says."""
    capsys.readouterr()
    assert call(*words) == 2
    return capsys.readouterr().err


def cases(folder, laboratory, table="cases.csv", truth="truth.csv") -> list[object]:
    return ["cases", folder, laboratory / table, "--truth", laboratory / truth, "--by", BY]
