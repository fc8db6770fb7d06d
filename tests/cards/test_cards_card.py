"""``leukolens card`` of a bundle: one text with the export's, every statement with a source that exists, bad input."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from card_cases import DATA, FIGURE, make_audit, make_bundle, make_result, make_run, make_spec, metrics

from leukolens.cards.facts import FactBook, in_words
from leukolens.cards.fill import fill
from leukolens.cards.forms import load_form
from leukolens.cards.markdown import card_text, escape
from leukolens.cli.main import main
from leukolens.data.decision_log import Opened
from leukolens.data.openings import Look, bundle_opener, record_opening

FORMS = ("model-card", "tripod-ai", "claim")


def call(*words: object) -> int:
    return main(["card", *map(str, words)])


@pytest.fixture
def whole(bundle: Path, tmp_path: Path) -> Path:
    """All cards of a bundle with everything that can be given, and the folder that the sources are relative to."""
    evaluation = make_result(tmp_path / "at-home", metrics(bundle))
    elsewhere = make_result(
        tmp_path / "elsewhere",
        metrics(bundle, data={"name": "other", "sha256": "e" * 64, "grouping": "patients"}, confusions=[]),
    )
    stress = make_result(
        tmp_path / "stress", {"kind": "leukolens stress", "summary": {"from cells": FIGURE}}, "stress.json"
    )
    external = {"kind": "leukolens external", "never_seen": ["A", "B"], "auc": FIGURE}
    given = [evaluation, elsewhere, stress, make_result(tmp_path / "external", external, "external.json")]
    run = make_run(tmp_path / "run")
    options = [part for folder in given for part in ("--evaluation", folder)]
    out = tmp_path / "cards"
    assert call(bundle, *options, "--run", run, "--checklist", "all", "--out", out) == 0
    return out


def items_of(path: Path) -> Iterator[dict[str, Any]]:
    for section in json.loads(path.read_text("utf-8"))["sections"]:
        yield from section["items"]


def test_export_and_card_write_one_text(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(bundle) == 0
    assert capsys.readouterr().out == (bundle / "MODEL_CARD.md").read_text("utf-8")


def test_every_statement_has_a_source_that_exists(whole: Path, bundle: Path, tmp_path: Path) -> None:
    places = {"bundle.json": bundle / "bundle.json"}
    for key in FORMS:
        content = json.loads((whole / f"{key}.json").read_text("utf-8"))
        inputs = {one["name"] for one in content["inputs"]}
        for item in items_of(whole / f"{key}.json"):
            assert (item["status"] == "filled") <= bool(item["statements"])
            for statement in item["statements"]:
                assert statement["sources"], statement
                for source in statement["sources"]:
                    if source["kind"] != "file":
                        continue
                    assert source["name"] in inputs
                    path = places.get(source["name"], tmp_path / source["name"])
                    _resolve(json.loads(path.read_text("utf-8")), source["place"])


def _resolve(content: Any, place: str) -> Any:
    for step in place.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        content = content[int(key) if isinstance(content, list) else key]
    return content


@pytest.mark.slow
def test_what_leukolens_does_is_done_by_code_that_exists(whole: Path) -> None:
    found = {
        source["name"]
        for key in FORMS
        for item in items_of(whole / f"{key}.json")
        for statement in item["statements"]
        for source in statement["sources"]
        if source["kind"] == "code"
    }
    assert len(found) > 8
    for name in found:
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            try:
                thing: Any = importlib.import_module(".".join(parts[:cut]))
            except ModuleNotFoundError:
                continue
            for part in parts[cut:]:
                thing = getattr(thing, part)
            break


def test_the_inputs_are_named_by_hash(whole: Path, bundle: Path, tmp_path: Path) -> None:
    import hashlib

    for one in json.loads((whole / "claim.json").read_text("utf-8"))["inputs"]:
        path = bundle / one["name"] if one["name"] == "bundle.json" else tmp_path / one["name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one["sha256"]


def test_what_is_given_closes_what_was_open(bundle: Path, whole: Path, tmp_path: Path) -> None:
    assert call(bundle, "--checklist", "all", "--out", tmp_path / "bare") == 0
    bare = {item["id"]: item["status"] for item in items_of(tmp_path / "bare" / "claim.json")}
    full = {item["id"]: item["status"] for item in items_of(whole / "claim.json")}
    assert {bare[number] for number in ("30", "33", "38", "39")} == {"open"}
    assert {full[number] for number in ("30", "33", "37", "38", "39", "32")} == {"filled"}
    assert full["44"] == "open"  # nobody said who paid
    assert full["3"] == "partly"  # that it is for research is known, the clinical problem is not
    tripod = {item["id"]: item for item in items_of(whole / "tripod-ai.json")}
    assert tripod["21"]["status"] == "filled"
    assert tripod["18a"]["open"] == [{"ask": tripod["18a"]["open"][0]["ask"], "topic": "funding"}]


def test_figures_stand_with_interval_and_kind_of_split(whole: Path) -> None:
    text = (whole / "model-card.md").read_text("utf-8")
    assert "| a figure of tomorrow | 0.9 | 0.8 to 0.95 | 10 |" in text
    assert "| Pro-B | 6 | not defined (0.8 to 0.95) |" in text
    assert "at-home: Split in blocks, fold 0, test." in text
    assert "other (another data set than it learned from)" in text
    assert "The test side of fold 0 has been opened 2 times." in text
    assert "At export: The test side of fold 0 has been opened once, first on 2026-01-01." in text
    assert "Never seen: A, B." in text


def test_a_leaky_split_is_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(make_bundle(tmp_path / "leaky", split_method="random-image")) == 0
    assert "LEAKY random split by image" in capsys.readouterr().out
    assert call(make_bundle(tmp_path / "new", split_method="laboratory")) == 0
    assert "Split by the method laboratory" in capsys.readouterr().out


def test_a_bundle_that_says_nothing_leaves_things_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = dict.fromkeys(("data_sha256", "split_sha256", "split_method", "terms", "code_version"), "")
    nothing |= {"recipe": {}, "figures": {}, "test_openings": None, "citations": ()}
    assert call(make_bundle(tmp_path / "bare", **nothing)) == 0
    text = capsys.readouterr().out
    assert "Needs figures on a held-out side" in text
    assert "Needs the log of looks" in text
    assert "Not known: the bundle does not say." in text


def test_the_page_is_safe_and_names_no_place(whole: Path, tmp_path: Path) -> None:
    for path in whole.iterdir():
        text = path.read_text("utf-8")
        assert str(tmp_path) not in text
        assert "/home/" not in text
    page = (whole / "tripod-ai.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "src=" not in page.replace("default-src", "").replace("style-src", "")


def test_answers_are_told_from_what_files_say(bundle: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"said_by": "Dr <A>", "answers": {"funding": "Nobody | <b>paid</b>"}}))
    out = tmp_path / "out"
    assert call(bundle, "--answers", answers, "--checklist", "claim", "--out", out) == 0
    (item,) = (one for one in items_of(out / "claim.json") if one["id"] == "44")
    assert item["status"] == "filled"
    assert item["statements"][0]["sources"][0]["kind"] == "person"
    assert "said by Dr \\<A\\>" in (out / "claim.md").read_text("utf-8")
    assert "Nobody \\| \\<b\\>paid\\</b\\>" in (out / "claim.md").read_text("utf-8")
    assert "<b>paid" not in (out / "claim.html").read_text("utf-8")


def test_the_template_asks_what_is_open(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.json"
    assert call(bundle, "--answers-template", path, "--checklist", "all") == 0
    asked = json.loads(path.read_text("utf-8"))["answers"]
    assert {"funding", "ethics", "authors"} <= asked.keys()
    assert "setting" in asked
    assert "relationships" not in asked  # a question about data sets
    assert call(bundle, "--answers-template", path) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(bundle, "--answers-template", tmp_path / "answers.txt") == 2


def test_a_broken_log_of_a_run_is_told(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("filelock", reason="needs leukolens[train]")
    run = make_run(tmp_path / "run")
    look = Look(
        Opened(split_sha256="5" * 64, fold=0, images=10), "leukolens train x", (bundle_opener("m", "1", "b" * 64),), {}
    )
    for _ in range(2):
        record_opening(look, folders=[run])
    assert call(bundle, "--run", run) == 0
    assert "holds 2 looks at its test side" in capsys.readouterr().out
    log = run / "decisions.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[1])
    assert call(bundle, "--run", run) == 0
    assert "The log is broken: Line 1" in capsys.readouterr().out


Make = Callable[[Path, Path], list[object]]
BAD: dict[str, tuple[Make, str]] = {
    "of another bundle": (
        lambda place, bundle: [
            "--evaluation",
            make_result(place / "e", metrics(bundle) | {"bundle": {"sha256": "0" * 64}}),
        ],
        "is of another bundle",
    ),
    "no result": (lambda place, bundle: ["--evaluation", place], "holds no result"),
    "no folder": (lambda place, bundle: ["--evaluation", place / "none"], "There is no result"),
    "no run": (lambda place, bundle: ["--run", place], "holds no finished run"),
    "another run": (
        lambda place, bundle: ["--run", make_run(place / "r", data_sha256="0" * 64)],
        "is not the one that the bundle comes from",
    ),
    "no audit": (lambda place, bundle: ["--audit", place], "holds no audit"),
    "another audit": (lambda place, bundle: ["--audit", make_audit(place / "a", [("A/1", "1" * 64)])], "other data"),
    "labels": (lambda place, bundle: ["--labels", place / "l.csv"], "--labels is for data sets"),
    "a checklist": (lambda place, bundle: ["--checklist", "clam"], "Did you mean 'claim'"),
    "answers": (lambda place, bundle: ["--answers", place / "none.json"], "cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_belong_to_the_bundle_is_refused(
    case: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, message = BAD[case]
    (tmp_path / "place").mkdir()
    assert call(bundle, *make(tmp_path / "place", bundle), "--out", tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.md"))


@pytest.mark.parametrize("content", ["{", "[]", '{"kind": 3}', '{"kind": "leukolens evaluation"}'])
def test_a_result_that_is_damaged(
    content: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "metrics.json").write_text(content)
    assert call(bundle, "--evaluation", tmp_path / "e") == 2
    assert "Internal error" not in capsys.readouterr().err


def test_what_is_neither_bundle_nor_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "nothing") == 2
    assert "neither a bundle nor a data set" in capsys.readouterr().err
    assert call(tmp_path) == 2
    told = capsys.readouterr().err
    assert "is no bundle (bundle.json is not in it)" in told
    assert "as a data set it cannot be read" in told
    assert call("defualt") == 2
    assert "Did you mean 'default'" in capsys.readouterr().err


def test_a_damaged_bundle_gets_no_card(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "LICENSE").write_text("changed")
    assert call(bundle) == 2
    assert "SHA256SUMS" in capsys.readouterr().err


def test_cards_are_not_written_over_unasked(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(bundle, "--out", tmp_path / "out") == 0
    before = (tmp_path / "out" / "model-card.md").read_bytes()
    assert call(bundle, "--out", tmp_path / "out") == 2
    assert "holds a card already" in capsys.readouterr().err
    assert call(bundle, "--out", tmp_path / "out", "--overwrite") == 0
    assert (tmp_path / "out" / "model-card.md").read_bytes() == before
    (tmp_path / "file").write_text("x")
    assert call(bundle, "--out", tmp_path / "file") == 2


def test_the_shipped_bundle_has_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("default", "--checklist", "all") == 0
    text = capsys.readouterr().out
    for words in ("# Model card: leukolens-field", "# TRIPOD+AI checklist:", "# CLAIM 2024 checklist:", "Taleqani"):
        assert words in text


def test_words() -> None:
    assert escape("a|b\n<c> *d* snake_case _e_ [f](g)") == "a\\|b \\<c\\> \\*d\\* snake_case \\_e\\_ \\[f\\](g)"
    assert "\\x1b" in escape("\x1b[31m")
    assert in_words({"a_b": [1.0, None, True], "c": {}}) == "a b 1, none, yes; c none"


def test_a_statement_without_words_is_none() -> None:
    book = FactBook()
    book.add("software.use", "  ")
    assert book.get("software.use") == []
    form = load_form("claim")
    assert fill(form, book).counts() == {"filled": 0, "partly": 0, "open": 44}
    assert "**open**" not in card_text(fill(form, book), "x", [])


def test_the_data_hash_of_the_cases_is_the_bundles() -> None:
    assert make_spec().provenance.data_sha256 == DATA


@pytest.mark.parametrize("verb", [["card"], ["data", "log"]])
def test_documentation_names_every_option(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "cards.md").read_text("utf-8")
    assert main([*verb, "--help"]) == 0
    options = {word.rstrip(".,") for word in capsys.readouterr().out.split() if word.startswith("--")}
    named = set(text.replace("`", " ").replace(",", " ").split())
    assert options - {"--help", "--json"} <= named


@pytest.mark.parametrize("passes", [0, 2])
def test_the_card_of_a_probe_tells_no_epochs_that_never_were(passes: int, tmp_path: Path) -> None:
    recipe = make_spec().provenance.recipe | {"probe": {"passes": passes, "c": 0.3}}
    text = (make_bundle(tmp_path / "bundle", recipe=recipe) / "MODEL_CARD.md").read_text("utf-8")
    assert "logistic regression" in text
    assert not any(words in text for words in ("adamw", "epochs", "moving average", "last epoch"))
    assert ("never varied" in text) == (passes == 0)
    assert ("flip" in text) == (passes > 0)
