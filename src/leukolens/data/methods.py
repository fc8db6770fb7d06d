"""What each method of splitting keeps together, and what follows for a figure, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.data.groups import Column, Groups
    from leukolens.data.split import Method

COLUMNS: Final[dict[Method, tuple[Column, ...]]] = {
    "random-image": (),
    "stratified": ("duplicate_group", "field_group"),
    "patient": ("duplicate_group", "field_group"),
    "grouped": ("duplicate_group", "field_group", "session_group"),
    "blocks": ("duplicate_group", "field_group"),
    "leave-one-laboratory-out": ("duplicate_group", "field_group"),
}
"""The groups of a groups file that stay on one side; in blocks, interleaved classes keep their sessions as well."""
_GROUPING: Final[dict[Method, str]] = {
    "random-image": "exact duplicates (same bytes) stay together; nothing else does",
    "stratified": "exact duplicates (same bytes) stay together; patients and sessions do not",
    "patient": "all images of a patient and exact duplicates (same bytes) stay together",
    "grouped": "all images of a patient or recovered session and exact duplicates (same bytes) stay together",
    "blocks": "each class in contiguous blocks of its files in natural order, with an embargo around tested and "
    "validation blocks; a training image that duplicates a held-out one, or shares its patient or group, is left out",
    "leave-one-laboratory-out": "all images of a laboratory stay together; a training image that duplicates a held-out "
    "one, or shares its patient or group, is left out",
}
_NOTE: Final[dict[Method, str]] = {
    "random-image": "Split at random by image: neighbours, repeated captures of a field and images of one patient "
    "stand on both sides, so figures from it are higher than on new patients.",
    "stratified": "Split at random by image, stratified by class: images of one patient and one session stand on both "
    "sides, so figures from it are higher than on new patients.",
    "patient": "Split by patient: no patient stands on both sides.",
    "grouped": "Split by {what}: none stands on both sides.",
    "blocks": "Split in blocks of neighbouring files: it keeps neighbours apart only where file numbers follow the "
    "order of capture; a class that interleaves its patients still has them on both sides.",
    "leave-one-laboratory-out": "Split by laboratory: each is tested by a network that saw none of its images.",
}
_BLOCKS_AND_SESSIONS: Final = (
    "Split in blocks of neighbouring files, where file numbers follow the order of capture. The files of {classes} "
    "interleave their recovered sessions, so {they} split by these instead: none stands on both sides."
)


def describe_grouping(method: Method, groups: Groups | None, by_session: Sequence[str] = (), *, given: bool) -> str:
    """Say what a split keeps together.

    Parameters
    ----------
    method
        How it was split.
    groups
        The groups file, where one was heeded.
    by_session
        Classes that are in no blocks, but split by recovered sessions.
    given
        Whether the caller gave groups of its own.
    """
    words = _GROUPING[method]
    if groups is not None and COLUMNS[method]:
        words += "; near-duplicates and all captures of one field, as an audit found them, stay together too"
    if by_session:
        words += f"; {', '.join(by_session)} by recovered sessions instead of blocks"
    return words + ("; images of one given group stay together" if given else "")


def describe_blocks(by_session: Sequence[str], embargo: int, *, grouped: bool, all_by_session: bool) -> str:
    """Say what a split in blocks is worth."""
    note = _NOTE["blocks"]
    if grouped:
        note = note.partition(":")[0] + ", where file numbers follow the order of capture."
    if by_session:
        they = "that class is" if len(by_session) == 1 else "these classes are"
        note = _BLOCKS_AND_SESSIONS.format(classes=", ".join(by_session), they=they)
    if embargo == 0 and not all_by_session:
        note += " Without an embargo the ends of neighbouring blocks touch."
    return note


def describe_split(method: Method, what: str = "") -> str:
    """Say what a split that is not in blocks is worth; `what` is what a grouped one is grouped by."""
    return _NOTE[method].format(what=what)
