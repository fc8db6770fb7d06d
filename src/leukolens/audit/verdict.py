"""The audit in plain sentences, the most serious first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.audit.findings import Statement
from leukolens.data.check import FEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leukolens.audit.findings import (
        Contradiction,
        Fields,
        FileProperty,
        GroupCounts,
        Labels,
        Lighting,
        Outliers,
        PatientOddity,
        Probes,
        Sessions,
    )
    from leukolens.data.check import DataCheck

LEVELS: Final = ("failed", "warning", "note", "good")


def on_contradictions(found: list[Contradiction]) -> Iterator[Statement]:
    """Say whether the same picture has two labels or patients. Only this fails an audit."""
    for about, words in (("label", "labels"), ("patient", "patients")):
        count = sum(about in one.about for one in found)
        if count:
            yield _say("failed", f"The same picture stands under two {words}: {counted(count, 'pair')}.")
    if not found:
        yield _say("good", "No picture was found under two labels or two patients.")


def on_files(check: DataCheck, properties: list[FileProperty]) -> Iterator[Statement]:
    """Say what cannot be read, and what about the files gives a class away."""
    if check.unreadable:
        count = len(check.unreadable)
        yield _say("warning", f"{count} of {check.images} files cannot be read; they are in no other figure here.")
    for one in properties:
        if one.telling:
            label = max(one.counts, key=lambda name: one.counts[name])
            yield _say(
                "warning",
                f"The {one.name} gives a class away: {one.value!r} is that of nearly all {label} and hardly any other.",
            )


def on_size(check: DataCheck) -> Iterator[Statement]:
    """Say where a data set is too small to say anything: one class, or a class of hardly any pictures."""
    if len(check.classes) < 2:
        yield _say(
            "warning",
            f"One class alone ({next(iter(check.classes), 'none')}): nothing can be told apart, learned or probed. "
            "Needed: two classes at least, in a folder each or by a column of labels.",
        )
    few = [f"{name} ({count})" for name, count in check.classes.items() if count < FEW]
    if few:
        yield _say("warning", f"Fewer than {FEW} pictures of {', '.join(few)}: too few to show anything of the class.")


def on_copies(check: DataCheck, fields: Fields, sessions: Sessions, groups: GroupCounts) -> Iterator[Statement]:
    """Say how many pictures are really different ones, and what that means for a split."""
    pictures = check.images - len(check.unreadable)
    copies = pictures - groups.duplicate
    if copies:
        yield _say("warning", f"{copies} of {pictures} pictures are exact or near copies of others.")
    if groups.field is not None and groups.field < pictures:
        yield _say(
            "warning",
            f"At most {groups.field} of {pictures} pictures show different fields: a random split by image puts the "
            "same field on both sides. Split by groups.csv.",
        )
    elif not copies and fields.status == "done":
        yield _say("good", "No picture is a copy of another or shows the same field again.")
    if sessions.status == "done" and groups.session is not None:
        told = counted(groups.session, "session")
        yield _say("note", f"{told} recovered. Pictures of one session are not independent.")
    if sessions.divided_fields:
        told = counted(sessions.divided_fields, "field")
        yield _say("note", f"{told} in more than one session: either the field or the session is wrong.")


def on_patients(check: DataCheck, oddities: list[PatientOddity]) -> Iterator[Statement]:
    """Say what is known of the patients."""
    if check.patients is None:
        yield _say(
            "note",
            "No patients are named, so nothing here can say how a model does on new patients. If they are known, name "
            "their column with --patient-column.",
        )
    for one in oddities:
        yield _say("warning", one.what)


def on_labels(labels: Labels) -> Iterator[Statement]:
    """Say how many labels are doubtful, beside how many there would be by chance."""
    if labels.status != "done" or labels.by_chance is None or labels.by_chance_high is None:
        return
    count = counted(len(labels.flagged), "label")
    low, high = labels.by_chance_low or 0.0, labels.by_chance_high
    chance = f"where all are right and classes overlap as here, about {labels.by_chance:.0f} ({low:.0f} to {high:.0f})"
    if len(labels.flagged) > high:
        yield _say("warning", f"{count} likely wrong; {chance} would look so.")
    elif labels.flagged:
        yield _say("note", f"{count} in doubt, no more than by chance: {chance} would be.")
    else:
        yield _say("good", "No label is likely wrong, as far as colour, texture and shape tell.")


def on_pictures(outliers: Outliers, lighting: Lighting) -> Iterator[Statement]:
    """Say how many pictures stand out."""
    if outliers.flagged:
        yield _say("note", f"{counted(len(outliers.flagged), 'picture')} unlike all others.")
    if lighting.flagged:
        yield _say("note", f"{counted(len(lighting.flagged), 'picture')} blurred, too dark, too bright or clipped.")


def on_probes(probes: Probes) -> Iterator[Statement]:
    """Say which shortcuts give the class away."""
    if probes.status != "done":
        return
    if probes.giving:
        told = f"{len(probes.giving)} of {counted(len(probes.tried), 'shortcut')}: {'; '.join(probes.giving)}"
        yield _say("warning", f"The class is given away by {told}. A network can learn these instead of cells.")
    elif probes.tried:
        yield _say("good", f"None of {counted(len(probes.tried), 'shortcut')} gives the class away.")


def on_missing(sections: dict[str, tuple[str, str | None]]) -> Iterator[Statement]:
    """Say which parts have no result: name of the part to its status and reason."""
    for name, (status, reason) in sections.items():
        if status != "done":
            yield _say("note", f"{name}: {reason}")


def headline(statements: list[Statement]) -> str:
    """Return one sentence that sums up."""
    warnings = sum(one.level == "warning" for one in statements)
    if any(one.level == "failed" for one in statements):
        also = f" There {'is' if warnings == 1 else 'are'} {counted(warnings, 'warning')} as well." if warnings else ""
        return f"The check failed: this data set contradicts itself.{also}"
    if warnings:
        return f"No contradiction, but {counted(warnings, 'warning')}: read them before training."
    return "Nothing was found that speaks against this data set."


def ordered(statements: Iterator[Statement]) -> list[Statement]:
    """Sort statements by level, each level in the order given."""
    return sorted(statements, key=lambda one: LEVELS.index(one.level))


def _say(level: str, text: str) -> Statement:
    return Statement.model_validate({"level": level, "text": text})


def counted(count: int, thing: str) -> str:
    """Return a number with what it counts, such as "1 pair" or "2 pairs"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
