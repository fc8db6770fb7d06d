"""The kind of split that a figure comes from, in one place: whatever shows a figure says these words beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from leukolens.data.leaks import Shared, add_shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.data.split import Split

SPLIT_KINDS: Final = {
    "random-image": "random split by image",
    "stratified": "stratified random split by image",
    "patient": "split by patient",
    "grouped": "split by group",
    "blocks": "split in blocks",
    "leave-one-laboratory-out": "split by laboratory, each left out once",
}
_GROUPED_BY: Final = {"patient": "split by patient", "session": "split by recovered session"}
_HASH: Final = 12


@dataclass(frozen=True)
class SplitStamp:
    """What must stand beside every figure.

    Attributes
    ----------
    method, leaky, sha256
        Of the split file.
    by
        Of a grouped split "patient", "session" or "given group".
    embargo
        Of blocks: files left out around a held-out block.
    by_session
        Of blocks: the classes that are split by recovered sessions instead.
    grouping, note
        Of the split file, in words: what stays together, and what follows.
    groups_file, groups_sha256, groups
        The groups file that was heeded, and how many groups the images form; None without one.
    shared
        What a groups file says of the held-out images, where one was given to count with.
    """

    method: str
    leaky: bool
    sha256: str
    by: str | None = None
    embargo: int | None = None
    by_session: tuple[str, ...] = ()
    grouping: str = ""
    note: str = ""
    groups_file: str | None = None
    groups_sha256: str | None = None
    groups: int | None = None
    shared: Shared | None = None

    @property
    def kind(self) -> str:
        """The kind of split in a few words, in capitals where images that show one thing can stand on both sides."""
        words = _GROUPED_BY.get(self.by or "") or SPLIT_KINDS.get(self.method, self.method)
        words = f"LEAKY {words}" if self.leaky else words[:1].upper() + words[1:]
        if self.embargo is not None:
            files = "1 file" if self.embargo == 1 else f"{self.embargo} files"
            words += f", embargo of {files}" if self.embargo else ", no embargo"
        if self.by_session:
            words += f", {' and '.join(self.by_session)} by recovered session"
        if self.groups_sha256:
            words += f", groups {self.groups_sha256[:_HASH]}"
        return words

    @property
    def sentence(self) -> str:
        """What follows for the figures, with the count of what is shared where there is one."""
        return " ".join(filter(None, (self.note, self.shared.sentence() if self.shared else "")))

    def content(self) -> dict[str, Any]:
        """Return it as JSON, the words among it."""
        return {"kind": self.kind} | asdict(self) | {"by_session": list(self.by_session)}


def stamp_split(split: Split, shared: Shared | None = None) -> SplitStamp:
    """Return the stamp of a split.

    Parameters
    ----------
    split
        Verified.
    shared
        From `leukolens.data.leaks.shared_with_training`, where a groups file is at hand.
    """
    by, told = split.parameters.get("by"), split.groups
    if told is not None and not told.columns:  # given to a method that keeps nothing together
        told = None
    return SplitStamp(
        method=split.method,
        leaky=split.leaky,
        sha256=split.sha256,
        by=by if isinstance(by, str) else None,
        embargo=split.embargo,
        by_session=split.by_session,
        grouping=split.grouping,
        note=split.note,
        groups_file=told.file if told else None,
        groups_sha256=told.sha256 if told else None,
        groups=told.number if told else None,
        shared=shared,
    )


def read_stamp(content: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> SplitStamp:
    """Return the stamp that a run wrote down.

    Parameters
    ----------
    content
        From `SplitStamp.content`; None of a run from before there were stamps, or where it cannot be read.
    identity
        Of the run: its method, hash and leakiness are what counts, and all that an old run says.
    """
    core: dict[str, Any] = {
        "method": str(identity["split_method"]),
        "leaky": bool(identity["split_leaky"]),
        "sha256": str(identity["split_sha256"]),
        "grouping": str(identity.get("split_grouping", "")),
    }
    bare = SplitStamp(**core)
    if not isinstance(content, Mapping):
        return bare
    known = {name: content[name] for name in SplitStamp.__dataclass_fields__ if name in content and name not in core}
    try:
        shared = known.pop("shared", None)
        known["by_session"] = tuple(known.get("by_session", ()))
        return replace(bare, **known, shared=None if shared is None else Shared(**shared))
    except TypeError:
        return bare


def join_stamps(stamps: Sequence[SplitStamp]) -> SplitStamp:
    """Return the stamp of several folds of one split: what is shared is added up, where every fold counted it."""
    counted = [one.shared for one in stamps if one.shared is not None]
    return replace(stamps[0], shared=add_shared(counted) if len(counted) == len(stamps) else None)


def kind_of_split(method: str, *, leaky: bool) -> str:
    """Say what kind of split it is where nothing but its method is known, see `SplitStamp.kind`."""
    return SplitStamp(method, leaky, "").kind
