"""How the results of ``leukolens data`` look on a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from leukolens.data.check import DataCheck
    from leukolens.data.duplicates import Duplicates
    from leukolens.data.groups import Groups
    from leukolens.data.split import Split


def show_check(console: Console, check: DataCheck, *, limit: int) -> None:
    """Print the result of a check: one table, then what needs a look, at most `limit` lines of each kind."""
    table = _table("", "")
    for name, value in _facts(check):
        table.add_row(name, printable(value))
    console.print(table)
    console.print(f"SHA-256 of the manifest: {check.manifest_sha256}", markup=False, soft_wrap=True)
    _list(console, "Not readable", (f"{found.path}: {found.reason}" for found in check.unreadable), limit)
    _list(console, "Contradictions (the same image, two labels or patients)", map(_conflict, check.conflicts), limit)
    _list(console, "Exact duplicates", map(_copies, check.duplicates), limit)
    _list(console, "Left out", check.notes, limit)


def _facts(check: DataCheck) -> list[tuple[str, str]]:
    classes = [(f"  {name}", f"{n} images") for name, n in check.classes.items()]
    sizes = {f"{size.width} x {size.height}": size.n for size in check.sizes}
    return [
        ("layout", check.layout),
        ("images", f"{check.images} ({check.bytes / 1e6:.1f} MB)"),
        ("unreadable", str(len(check.unreadable))),
        ("classes", str(len(check.classes))),
        *classes,
        ("no leukaemia", ", ".join(check.negative) if check.negative else "not said (--negative)"),
        ("patients", str(check.patients) if check.patients else "not named"),
        ("laboratories", _shares(check.laboratories) if check.laboratories else "not named"),
        ("sizes, px", _shares(sizes)),
        ("formats", _shares(check.formats)),
        ("colour modes", _shares(check.modes)),
        ("done to read them", _shares(check.reading)),
        ("duplicates, same bytes", _sets(check.duplicates, "bytes")),
        ("duplicates, same pixels", _sets(check.duplicates, "pixels")),
        ("contradictions", str(len(check.conflicts))),
    ]


def _shares(counts: Mapping[str, int], shown: int = 5) -> str:
    parts = [f"{name} ({n})" for name, n in list(counts.items())[:shown]]
    return ", ".join(parts) + (f", {len(counts) - shown} more" if len(counts) > shown else "") or "none"


def _sets(duplicates: Sequence[Duplicates], same: str) -> str:
    members = [len(found.paths) for found in duplicates if found.same == same]
    return f"{len(members)} sets, {sum(members)} files" if members else "none"


def _conflict(found: Duplicates) -> str:
    return f"{', '.join(found.paths)}: {', '.join(found.labels + found.patients)}"


def _copies(found: Duplicates) -> str:
    return f"same {found.same}: {', '.join(found.paths)}"


def _list(console: Console, title: str, lines: Iterable[str], limit: int) -> None:
    lines = list(lines)
    if not lines:
        return
    console.print(f"\n{title}:", markup=False)
    for line in lines[:limit]:
        console.print(f"  {printable(line)}", markup=False, soft_wrap=True)
    if len(lines) > limit:
        console.print(f"  ... and {len(lines) - limit} more (--json and --out have all)", markup=False)


def show_split(console: Console, split: Split, groups: Groups | None = None) -> None:
    """Print how many images of each class stand on each side of each fold, and what the split is worth."""
    from leukolens.data.leaks import add_shared, shared_with_training
    from leukolens.data.stamp import stamp_split

    shared = add_shared(shared_with_training(fold, groups) for fold in split.folds) if groups is not None else None
    stamp = stamp_split(split, shared)
    table = _table("fold", "side", "images", *split.labels)
    for number, fold in enumerate(split.folds):
        for side in ("train", "validation", "test", "left_out"):
            indices: Sequence[int] = getattr(fold, side)
            counts = Counter(split.items[index].label for index in indices)
            if indices:
                cells = (str(counts[label]) for label in split.labels)
                table.add_row(str(number), side.replace("_", " "), str(len(indices)), *cells)
    console.print(table)
    console.print(f"{stamp.kind}.", markup=False)
    console.print(f"{split.grouping[0].upper()}{split.grouping[1:]}.", markup=False)
    console.print(("Leaky. " if split.leaky else "") + stamp.sentence, markup=False)
    console.print(f"SHA-256 of the split: {split.sha256}", markup=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_header=any(columns))
    for name in columns:
        table.add_column(Text(printable(name)), overflow="fold")
    return table
