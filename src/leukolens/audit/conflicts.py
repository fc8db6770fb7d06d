"""Contradictions: the same picture under two labels or two patients, and patients who contradict themselves."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.audit.links import KINDS, Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leukolens.data.catalogue import Item

_SEPARATORS: Final = re.compile(r"[\s_.\-/]+")
_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two pictures that show the same and contradict each other.

    Attributes
    ----------
    link
        The pair, and how it was found.
    about
        "label", "patient", or both.
    what
        What is wrong and what would settle it, in a sentence or two.
    """

    link: Link
    about: tuple[Literal["label", "patient"], ...]
    what: str


@dataclass(frozen=True, slots=True)
class PatientNote:
    """Something odd about patients that is no proof of an error.

    Attributes
    ----------
    patients
        The names concerned.
    what
        In a sentence or two.
    """

    patients: tuple[str, ...]
    what: str


def find_conflicts(items: Sequence[Item], links: Iterable[Link]) -> list[Conflict]:
    """Find pairs that show the same under different labels or patients.

    Parameters
    ----------
    items
        The pictures.
    links
        Pairs that show the same, of any kind. A pair that stands there twice is told once, by its first.

    Returns
    -------
    list of Conflict
        In the order of the links.
    """
    found: dict[tuple[int, int], Conflict] = {}
    for link in links:
        one, other = items[link.first], items[link.second]
        about: list[Literal["label", "patient"]] = []
        if one.label != other.label:
            about.append("label")
        if one.patient is not None and other.patient is not None and one.patient != other.patient:
            about.append("patient")
        if about and (link.first, link.second) not in found:
            found[link.first, link.second] = Conflict(link, tuple(about), _sentence(one, other, link, about))
    return list(found.values())


def _sentence(one: Item, other: Item, link: Link, about: Sequence[str]) -> str:
    parts = []
    if "label" in about:
        parts.append(f"the labels {one.label!r} and {other.label!r}")
    if "patient" in about:
        parts.append(f"the patients {one.patient!r} and {other.patient!r}")
    same = KINDS[link.kind] + (f" ({link.note})" if link.note else "")
    needed = "which label is right" if list(about) == ["label"] else "whose picture it is"
    return (
        f"{one.path} and {other.path} are {same} under {' and '.join(parts)}. "
        f"At most one can be right; find out {needed}, and correct or remove the other."
    )


def find_patient_notes(items: Sequence[Item]) -> list[PatientNote]:
    """Find patients with more than one label, and names of patients that differ in their writing only.

    Parameters
    ----------
    items
        The pictures.

    Returns
    -------
    list of PatientNote
        In the order in which the patients first appear.
    """
    labels: dict[str, dict[str, int]] = {}
    for item in items:
        if item.patient is not None:
            counts = labels.setdefault(item.patient, {})
            counts[item.label] = counts.get(item.label, 0) + 1
    notes = [_alike(names) for names in _written_alike(labels).values() if len(names) > 1]
    return notes + [_labelled(patient, counts) for patient, counts in labels.items() if len(counts) > 1]


def _written_alike(patients: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for patient in patients:
        plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", patient).casefold())
        found.setdefault(_LEADING_ZEROS.sub("", plain), []).append(patient)
    return found


def _alike(names: Sequence[str]) -> PatientNote:
    told = ", ".join(repr(name) for name in names)
    what = f"{told} differ in their writing only. If that is one patient, give it one name, or a split parts it."
    return PatientNote(tuple(names), what)


def _labelled(patient: str, counts: Mapping[str, int]) -> PatientNote:
    told = ", ".join(f"{n} of {label}" for label, n in counts.items())
    what = f"Patient {patient!r} has pictures under several labels: {told}. Check that this is meant."
    return PatientNote((patient,), what)
