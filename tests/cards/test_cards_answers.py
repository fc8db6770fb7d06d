"""What people say: read, refused where nobody asked, marked as said, and asked for by a template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leukolens.cards.answers import answers_template, read_answers
from leukolens.cards.facts import FactBook
from leukolens.cards.fill import fill
from leukolens.cards.forms import load_form, load_topics
from leukolens.finding import UsageError


def write(folder: Path, content: object, name: str = "answers.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_answers_are_marked_with_the_person(tmp_path: Path) -> None:
    content = {
        "said_by": "Dr A. Example",
        "date": "2026-02-03",
        "answers": {"funding": " Our own means. ", "contact": {"answer": "here", "said_by": "B", "date": "2026-03-04"}},
    }
    answers = read_answers(write(tmp_path, content))
    assert answers["funding"].text == "Our own means."
    (source,) = answers["funding"].sources
    assert (source.kind, source.name) == ("person", "Dr A. Example")
    assert source.place == "(answers.json, 2026-02-03)"
    assert answers["contact"].sources[0].shown == "B (answers.json, 2026-03-04)"


def test_an_answer_closes_its_item_and_an_empty_one_does_not(tmp_path: Path) -> None:
    answers = read_answers(write(tmp_path, {"answers": {"funding": "None.", "conflicts": "  ", "protocol": None}}))
    items = {item.item.id: item for item in fill(load_form("tripod-ai"), FactBook(), answers).items}
    assert items["18a"].status == "filled"
    assert items["18b"].status == "open"
    assert items["18c"].status == "open"
    assert "gave no name" in items["18a"].statements[0].sources[0].name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"answers": {"fundin": "x"}}, "nobody asks.*Did you mean 'funding'"),
        ({"answer": {"funding": "x"}}, "unknown key 'answer'.*Did you mean 'answers'"),
        ({"answers": {"funding": {"anser": "x"}}}, "unknown key 'answers.funding.anser'.*Did you mean 'answer'"),
        ({"answers": {"funding": 12}}, "cannot be used at 'answers.funding"),
        ({"answers": {"funding": ["x"]}}, "cannot be used at 'answers.funding"),
        ({"date": "yesterday"}, "cannot be used at 'date'"),
        ([], "cannot be used"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_answers(write(tmp_path, content))


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_answers(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_answers(tmp_path / "bytes.json")


def test_the_template_asks_what_is_open_and_reads_back_as_nothing(tmp_path: Path) -> None:
    topics = load_topics()
    content = json.loads(answers_template(topics, as_json=True))
    assert set(content["answers"]) == set(topics)
    assert content["answers"]["funding"]["question"] == topics["funding"].question
    assert read_answers(write(tmp_path, content)) == {}


def test_answers_as_yaml(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    text = answers_template(load_topics(), as_json=False)
    assert set(yaml.safe_load(text)["answers"]) == set(load_topics())
    assert read_answers(write(tmp_path, text, "a.yaml")) == {}
    filled = text.replace('  funding: ""', '  funding: "Nobody: it is free."').replace(
        "date:  #", "date: 2026-02-03  #"
    )
    answers = read_answers(write(tmp_path, filled, "b.yml"))
    assert answers["funding"].text == "Nobody: it is free."
    assert "2026-02-03" in answers["funding"].sources[0].place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answers: [", "no YAML"),
        ("answers:\n  funding: a\n  funding: b\n", "'funding' twice"),
        ("date: 2026-99-99\n", "no YAML|cannot be used at 'date'"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("", "cannot be used"),
    ],
)
def test_yaml_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    pytest.importorskip("yaml", reason="needs PyYAML")
    with pytest.raises(UsageError, match=message):
        read_answers(write(tmp_path, text, "a.yaml"))
