"""Catalogues without files, and groups files for them."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukolens.data import Catalogue, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COLUMNS = ("path", "sha256", "label", "duplicate_group", "field_group", "session_group")


def catalogue_of(rows: Iterable[tuple[Any, ...]]) -> Catalogue:
    """Make a catalogue from rows of label, content, patient and, where wanted, laboratory."""
    seen: Counter[str] = Counter()
    items = []
    for label, content, patient, *laboratory in rows:
        seen[label] += 1
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        items.append(
            Item(f"{label}/{seen[label]:05d}.png", label, patient, 1, sha256, laboratory[0] if laboratory else None)
        )
    items.sort(key=lambda item: item.path)
    return Catalogue(Path("nowhere"), tuple(items), tuple(sorted(seen)), "class folders")


def plain_set(**counts: int) -> Catalogue:
    return catalogue_of([(label, f"{label}{n}", None) for label, count in counts.items() for n in range(count)])


def group_rows(
    catalogue: Catalogue, session: Callable[[str, int], str], field: Callable[[str, int], str] | None = None
) -> list[dict[str, str]]:
    """Make the rows of a groups file: session and field by label and position in the class."""
    rows, seen = [], Counter[str]()
    for item in catalogue.items:
        at = seen[item.label]
        seen[item.label] += 1
        own = field(item.label, at) if field else f"{item.label} field {at}"
        values = (item.path, item.sha256 or "", item.label, "", own, session(item.label, at))
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
