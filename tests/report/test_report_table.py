"""Terminal tables: order, limits, and that names are never markup."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console, RenderableType

from leukolens.finding import Case, Finding, KindShare
from leukolens.report import cases_table, findings_table


def rendered(table: RenderableType) -> str:
    console = Console(file=StringIO(), width=160, color_system=None)
    console.print(table)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def finding(source: str, **changes: object) -> Finding:
    return Finding.model_validate({"source": source, "sha256": None, "status": "ok", "decision": "report", **changes})


def test_review_first_then_the_most_probable_and_the_rest_is_counted() -> None:
    findings = [finding(f"{i}.jpg", p_all=i / 10, conclusion="lymphoblasts") for i in range(10)]
    findings[0] = finding("0.jpg", decision="review", notes=["review: blurred", "bar painted out"])
    text = rendered(findings_table(findings, limit=3))
    assert text.index("0.jpg") < text.index("9.jpg") < text.index("8.jpg")
    assert "7.jpg" not in text
    assert "and 7 more pictures" in text
    assert "blurred" in text
    assert "painted out" not in text


def test_names_are_not_markup_and_do_not_steer_the_terminal() -> None:
    text = rendered(findings_table([finding("[red]a[/red]\x1b[2J.jpg", label="[b]x", status="ok")]))
    assert "[red]a[/red]\\x1b[2J.jpg" in text
    assert "\x1b" not in text
    assert "[b]x" in text


def test_errors_tell_their_reason() -> None:
    text = rendered(findings_table([finding("a.jpg", status="error", reason="The file is empty.", decision="review")]))
    assert "Error" in text
    assert "The file is empty." in text


def test_cases_say_answer_number_of_pictures_and_reasons() -> None:
    nothing = KindShare(n=0, fraction=None, low=None, high=None)
    case = Case(
        case="[i]slide 3", images=12, cells=0, differential={}, blasts=nothing, p_all=0.4, conclusion="none seen",
        decision="review", reasons=["2 pictures are for review"],
    )  # fmt: skip
    text = rendered(cases_table([case]))
    for needed in ("[i]slide 3", "None seen", "0.40", "12", "review", "2 pictures are for review"):
        assert needed in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_narrow_terminal_hides_neither_decision_nor_reason(width: int) -> None:
    note = "review: the picture is at the border of what the model learned from"
    one = finding("/long/path/to/the/pictures/of/a/patient/field-0001.jpg", status="ok").model_copy(
        update={
            "decision": "review", "conclusion": "lymphoblasts", "p_all": 0.87, "label": "Early Pre-B",
            "probabilities": {"Benign": 0.13, "Early Pre-B": 0.87}, "notes": [note],
        }
    )  # fmt: skip
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(findings_table([one]))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    rows = text.splitlines()
    assert all(word in text for word in ("review", "Lymphoblasts", "0.87", "Early Pre-B"))
    columns = rows[1].index("Why")
    assert "".join(row[columns:] for row in rows[3:]).replace(" ", "") == note.removeprefix("review: ").replace(" ", "")
