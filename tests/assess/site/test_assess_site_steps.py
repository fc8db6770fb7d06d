"""The steps in their order: what each refuses, and that nothing is lost by a refusal."""

from __future__ import annotations

import pytest
from site_folders import BY, call, cases, go, refuse, snapshot

from leukolens.assess.site.record import append_entry, read_record
from leukolens.finding import OutputError

pytestmark = pytest.mark.slow


# -- order


@pytest.mark.parametrize(
    ("until", "words", "missing"),
    [
        ("plan", ["run"], "cases"),
        ("plan", ["readings", "readings.csv"], "cases"),
        ("plan", ["unblind", "--truth", "truth.csv"], "cases"),
        ("plan", ["commit", "--truth", "truth.csv", "--reason", "x"], "cases"),
        ("cases", ["unblind", "--truth", "truth.csv"], "run"),
        ("cases", ["report"], "unblind"),
        ("run", ["report"], "unblind"),
    ],
)
def test_a_step_before_its_time_is_refused(laboratory, tmp_path, capsys, until, words, missing) -> None:
    folder = tmp_path / "site"
    assert go(laboratory, folder, until=until) == 0
    before = snapshot(folder)
    given = [laboratory / word if word.endswith(".csv") else word for word in words]
    told = refuse(capsys, given[0], folder, *given[1:], "--by", BY)
    assert f"The step {missing!r} comes first" in told
    assert f"leukolens verify-site {missing}" in told
    assert snapshot(folder) == before


def test_a_step_after_its_time_is_refused(site, laboratory, capsys) -> None:
    assert "The step 'run' was done" in refuse(capsys, "run", site, "--by", BY)
    assert "The step 'cases' was done" in refuse(capsys, *cases(site, laboratory))
    assert "is sealed" in refuse(capsys, "plan", "--out", site, "--laboratory", "x", "--by", BY, "--overwrite")
    assert call("unblind", site, "--truth", laboratory / "truth.csv", "--by", BY) == 0
    for words in (
        ["readings", site, laboratory / "readings.csv"],
        ["unblind", site, "--truth", laboratory / "truth.csv"],
        ["commit", site, "--truth", laboratory / "truth.csv", "--reason", "late"],
    ):
        assert "The step 'unblind' was done" in refuse(capsys, *words, "--by", BY)


def test_no_verification_there(tmp_path, capsys) -> None:
    assert "holds no verification" in refuse(capsys, "status", tmp_path)
    assert "verify-site plan" in refuse(capsys, "run", tmp_path / "nowhere", "--by", BY)


# -- the seal and the trail


def test_a_changed_plan_is_refused_and_shown(site, laboratory, capsys) -> None:
    path = site / "plan.yaml"
    sealed = path.read_text("utf-8")
    path.write_text(sealed.replace("sensitivity: {at_least: 0.3", "sensitivity: {at_least: 0.2"), "utf-8")
    for words in (["status", site], ["unblind", site, "--truth", laboratory / "truth.csv", "--by", BY]):
        told = refuse(capsys, *words)
        assert "is not the plan that was sealed" in told
        assert "-  sensitivity: {at_least: 0.3" in told
        assert "+  sensitivity: {at_least: 0.2" in told
    path.write_text(sealed, "utf-8")
    assert call("unblind", site, "--truth", laboratory / "truth.csv", "--by", BY) == 0
    path.write_text(sealed.replace("threshold: 0.5", "threshold: 0.9"), "utf-8")
    told = refuse(capsys, "report", site, "--by", BY)
    assert "-threshold: 0.5" in told
    assert "+threshold: 0.9" in told
    path.unlink()
    assert "found no file" in refuse(capsys, "report", site, "--by", BY)


def test_a_plan_may_change_until_it_is_sealed(planned, laboratory) -> None:
    path = planned / "plan.yaml"
    path.write_text(path.read_text("utf-8").replace("threshold: 0.5", "threshold: 0.4"), "utf-8")
    assert call("status", planned) == 0
    assert call(*cases(planned, laboratory)) == 0
    assert call("status", planned) == 0


@pytest.mark.parametrize("name", ["cases.csv", "screening/findings.jsonl", "again/cases.json", "readings-1.csv"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_what_a_step_left_must_stay(site, capsys, name, how) -> None:
    path = site / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"C1", b"C2", 1))
    told = refuse(capsys, "status", site)
    assert repr(name) in told
    assert how in told


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [lines[0].replace(b"A. Turner", b"B. Turner"), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines[:2], b"nonsense\n", *lines[2:]],
    ],
    ids=["changed", "first gone", "one gone", "one put in"],
)
def test_a_spoilt_trail_is_refused(site, capsys, spoil) -> None:
    path = site / "record.jsonl"
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    assert "is broken at line" in refuse(capsys, "status", site)


def test_a_line_torn_off_by_a_kill_counts_as_not_written(site) -> None:
    path = site / "record.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"number": 99, "st')
    entries, head = read_record(site)
    assert len(entries) == whole.count(b"\n")
    append_entry(site, "readings", BY, after=head)
    assert path.read_bytes().startswith(whole)
    assert len(read_record(site)[0]) == len(entries) + 1


def test_two_programs_at_a_time(site) -> None:
    _, head = read_record(site)
    append_entry(site, "readings", BY, after=head)
    with pytest.raises(OutputError, match="has grown meanwhile"):
        append_entry(site, "readings", BY, after=head)


def test_trail_names_who_and_what_and_no_path_of_the_machine(site, tmp_path, laboratory) -> None:
    entries, _ = read_record(site)
    assert [entry.step for entry in entries] == ["plan", "cases", "commit", "run started", "run", "readings"]
    assert {entry.by for entry in entries} == {BY}
    text = (site / "record.jsonl").read_text("utf-8")
    assert str(laboratory.resolve()) not in text
