from __future__ import annotations

from leukolens.audit.conflicts import find_conflicts, find_patient_notes
from leukolens.audit.links import Link, exact_links, joined, linked_groups, several
from leukolens.data.catalogue import Item
from leukolens.data.manifest import Entry


def entry(name: str, sha256: str | None, pixels: str | None) -> Entry:
    return Entry(name, "A", None, 10, sha256, pixels)


def item(name: str, label: str, patient: str | None = None) -> Item:
    return Item(name, label, patient, 10)


def test_exact_copies_are_linked_to_the_first() -> None:
    entries = [
        entry("0", "a", "x"),
        entry("1", "b", "x"),
        entry("2", "a", "x"),
        entry("3", "c", "y"),
        entry("4", None, None),
        entry("5", None, None),
        entry("6", "b", "x"),
    ]
    assert exact_links(entries) == [
        Link(0, 1, "same pixels"),
        Link(0, 2, "same bytes"),
        Link(1, 6, "same bytes"),
    ]


def test_groups_reach_over_links_of_links() -> None:
    links = [Link(1, 3, "near-duplicate"), Link(3, 4, "same field")]
    assert linked_groups(6, links) == [0, 1, 2, 1, 1, 3]
    assert several([0, 1, 2, 1, 1, 3]) == [[1, 3, 4]]
    assert joined([0, 0, 1, 2], [5, 6, 6, 7]) == [0, 0, 0, 1]


def test_conflicts_say_what_is_wrong() -> None:
    items = [item("a.png", "blast", "7"), item("b.png", "normal", "7"), item("c.png", "blast", "8"), item("d", "blast")]
    links = [
        Link(0, 1, "same bytes"),
        Link(0, 1, "same field", 1.0),
        Link(0, 2, "near-duplicate", 3, "mirrored left to right"),
        Link(1, 2, "same field", 0.6),
        Link(2, 3, "same field", 0.6),
    ]
    found = find_conflicts(items, links)
    assert [(one.link.first, one.link.second, one.about) for one in found] == [
        (0, 1, ("label",)),
        (0, 2, ("patient",)),
        (1, 2, ("label", "patient")),
    ]
    assert found[0].link.kind == "same bytes"
    assert "the same file under the labels 'blast' and 'normal'" in found[0].what
    assert "which label is right" in found[0].what
    assert "mirrored left to right" in found[1].what
    assert "the patients '7' and '8'" in found[1].what


def test_patients_that_contradict_themselves_are_noted() -> None:
    items = [
        item("1", "A", "P-007"),
        item("2", "A", "p 7"),
        item("3", "A", "8"),
        item("4", "B", "8"),
        item("5", "B", "70"),
        item("6", "B"),
    ]
    notes = find_patient_notes(items)
    assert [note.patients for note in notes] == [("P-007", "p 7"), ("8",)]
    assert "differ in their writing only" in notes[0].what
    assert "1 of A, 1 of B" in notes[1].what


def test_sound_patients_are_not_noted() -> None:
    assert find_patient_notes([item("1", "A", "x1"), item("2", "A", "x1"), item("3", "B", "x10"), item("4", "B")]) == []
