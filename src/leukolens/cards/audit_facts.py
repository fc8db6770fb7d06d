"""What an audit of a data set found, read leniently: by the columns of ``groups.csv`` and the keys of ``audit.json``.

Of ``groups.csv`` the columns path, sha256, label, duplicate_group, field_group and session_group are used, as far as
they are there. Of ``audit.json`` every key is shown: a list by its length, anything else as it is; `probes` gets a
table of its own.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from leukolens.cards.evidence import read_json
from leukolens.cards.facts import table_of
from leukolens.data.catalogue import Catalogue, Item, catalogue_sha256
from leukolens.finding import DataError
from leukolens.report.figures import figure_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from leukolens.cards.facts import FactBook

GROUPS: Final = "groups.csv"
AUDIT: Final = "audit.json"
_KINDS: Final = {
    "duplicate_group": "exact duplicates",
    "field_group": "captures of one field",
    "session_group": "slides or sittings, as far as they could be recovered",
}
_META: Final = frozenset({"schema", "kind", "use", "class_note", "probes", "manifest"})


def add_audit_facts(book: FactBook, folder: Path, data_sha256: str | None) -> None:
    """Add what an audit found, as facts named ``audit.``.

    Parameters
    ----------
    book
        Gets the facts.
    folder
        From ``leukolens audit``.
    data_sha256
        Hash over the paths and files of the data that the card is about; None where it is not known.

    Raises
    ------
    DataError
        The folder holds no audit, or one of other data.
    """
    found = [name for name in (GROUPS, AUDIT) if (folder / name).is_file()]
    if not found:
        raise DataError(
            f"{str(folder)!r} holds no audit",
            expected=f"{AUDIT} and {GROUPS}",
            todo="run leukolens audit DATA --out DIR",
        )
    if GROUPS in found:
        rows, raw = _read_groups(folder / GROUPS)
        _check_same(rows, data_sha256, folder)
        _add_groups(book, f"{folder.resolve().name}/{GROUPS}", rows, raw)
    if AUDIT in found:
        raw, content = read_json(folder / AUDIT)
        if not isinstance(content, dict):
            raise DataError(f"{str(folder / AUDIT)!r} is no audit", expected="a JSON object")
        _add_findings(book, f"{folder.resolve().name}/{AUDIT}", content, raw)


def _read_groups(path: Path) -> tuple[list[dict[str, str]], bytes]:
    try:
        raw = path.read_bytes()
        reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
        rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{str(path)!r} cannot be read", expected="CSV in UTF-8", found=str(error)[:200]) from error
    if not rows or not {"path", "sha256"} <= rows[0].keys():
        raise DataError(f"{str(path)!r} holds no groups", expected="rows with the columns path and sha256")
    return rows, raw


def _check_same(rows: Iterable[Mapping[str, str]], wanted: str | None, folder: Path) -> None:
    items = tuple(Item(row["path"], row.get("label", ""), None, 0, row["sha256"]) for row in rows)
    if wanted is None:
        return
    # The hash of the Taleqani layout does not depend on where it was entered, so both ways are tried.
    found = {catalogue_sha256(Catalogue(folder, items, (), layout)) for layout in ("taleqani", "class folders")}
    if wanted not in found:
        raise DataError(
            f"The audit {str(folder)!r} is of other data than this card",
            expected=f"paths and files with the hash {wanted[:16]}...",
            found=f"{len(items)} images with another one",
            todo="audit these data again",
        )


def _add_groups(book: FactBook, name: str, rows: list[dict[str, str]], raw: bytes) -> None:
    file = book.file(name, raw)
    table = []
    for column, words in _KINDS.items():
        if column in rows[0]:
            sizes = Counter(row[column] for row in rows if row[column])
            shared = [n for n in sizes.values() if n > 1]
            table.append((words, len(sizes), len(shared), sum(shared), max(sizes.values(), default=0)))
    head = ("kept together", "groups", "with more than one image", "images in those", "largest")
    text = f"Groups that an audit found among {len(rows)} images: what is in one group is not independent."
    book.add("audit.groups", text if table else "", file.at(), table=table_of(head, table))


def _add_findings(book: FactBook, name: str, content: dict[str, Any], raw: bytes) -> None:
    file = book.file(name, raw)
    rows = []
    for key, value in content.items():
        if key in _META:
            continue
        title = key.replace("_", " ")
        if isinstance(value, list):
            rows.append((title, f"{len(value)} found"))
        else:
            rows += figure_rows({key: value})
    book.add(
        "audit.findings", "What the audit found." if rows else "", file.at(), table=table_of(("what", "found"), rows)
    )
    if probes := content.get("probes"):
        table = table_of(("probe", "found"), figure_rows(probes if isinstance(probes, dict) else {"probe": probes}))
        text = "Shortcuts: how well the class is predicted from what is no cell (background, corner, colour, file)."
        book.add("audit.probes", text, file.at("probes"), table=table)
