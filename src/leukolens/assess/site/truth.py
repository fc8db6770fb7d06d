"""The truth: promised by its hash before the first answer, opened only when nothing can change any more."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.plan import NEGATIVE, POSITIVE
from leukolens.assess.site.tables import listed, parse_rows, read_bytes
from leukolens.finding import DataError, UsageError, nearest
from leukolens.finding.output import csv_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS: Final = ("case", "truth")
OPTIONAL: Final = ("reference", "subtype")
_WORDS: Final = {
    POSITIVE: POSITIVE,
    "leukemia": POSITIVE,
    "yes": POSITIVE,
    "positive": POSITIVE,
    NEGATIVE: NEGATIVE,
    "no leukemia": NEGATIVE,
    "no": NEGATIVE,
    "negative": NEGATIVE,
}
_HASH: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Truth:
    """What is known of a case.

    Attributes
    ----------
    positive
        Whether it is leukaemia.
    reference
        How that is known, such as "flow cytometry"; "" where the file does not say.
    subtype
        One of the bundle's labels; "" where the file does not say.
    """

    positive: bool
    reference: str = ""
    subtype: str = ""

    @property
    def word(self) -> str:
        """The truth in words."""
        return POSITIVE if self.positive else NEGATIVE


def commitment(truth: Path | None, sha256: str | None) -> dict[str, Any]:
    """Return what is kept of the truth before unblinding: its hash.

    Parameters
    ----------
    truth
        The file; its bytes are hashed and not looked at.
    sha256
        Its hash, where the file is kept by somebody else.

    Raises
    ------
    UsageError
        Neither or both are given, or the hash is none.
    DataError
        The file cannot be read.
    """
    if (truth is None) == (sha256 is None):
        raise UsageError(
            "The truth must be promised before the first answer",
            expected="either --truth FILE or --truth-sha256 HASH",
            found="both" if truth else "neither",
            todo="whoever keeps the truth can give the hash alone: sha256sum TRUTH.csv",
        )
    if truth is not None:
        return {"truth_sha256": hashlib.sha256(read_bytes(truth, "The truth")).hexdigest(), "file": truth.name}
    word = str(sha256).strip().lower()
    if not _HASH.fullmatch(word):
        raise UsageError("--truth-sha256 is no SHA-256", expected="64 hexadecimal digits", found=repr(sha256))
    return {"truth_sha256": word, "file": None}


def open_promised(path: Path, promised: str) -> bytes:
    """Return the bytes of the truth, if they are those that were promised.

    Raises
    ------
    DataError
        They are not, or the file cannot be read. Nothing of it was looked at.
    """
    content = read_bytes(path, "The truth")
    found = hashlib.sha256(content).hexdigest()
    if found != promised:
        raise DataError(
            f"{path.name!r} is not the truth that was promised",
            expected=f"SHA-256 {promised[:16]}...",
            found=f"{found[:16]}...",
            todo="give the file as it was; if it had to be corrected, promise it again with "
            "'leukolens verify-site commit DIR --truth FILE --reason WHY', which the report will tell",
        )
    return content


def parse_truth(content: bytes, name: str, cases: Sequence[str], labels: Sequence[str]) -> dict[str, Truth]:
    """Read the truth of every case.

    Parameters
    ----------
    content
        CSV with the columns ``case`` and ``truth`` (leukaemia or no leukaemia), and if wanted ``reference`` and
        ``subtype``; other columns are not read.
    name
        What it is called in messages.
    cases
        The cases of the list.
    labels
        The bundle's labels, which subtypes must be among.

    Raises
    ------
    DataError
        A case has no truth or two, a case is not in the list, or a word is not known.
    """
    found: dict[str, Truth] = {}
    lines: dict[str, int] = {}
    rows = parse_rows(content, name, COLUMNS, OPTIONAL, others=True)
    for row in rows:
        case, word = row.cells["case"], " ".join(row.cells["truth"].casefold().split())
        if word not in _WORDS:
            raise DataError(
                f"Line {row.line} of {name} has an unknown truth",
                expected=f"{POSITIVE!r} or {NEGATIVE!r}",
                found=repr(word),
            )
        if row.cells["subtype"] and row.cells["subtype"] not in labels:
            raise DataError(
                f"Line {row.line} of {name} has a subtype that the model does not know",
                found=repr(row.cells["subtype"]),
                todo=nearest(row.cells["subtype"], labels),
            )
        truth = Truth(_WORDS[word] == POSITIVE, row.cells["reference"], row.cells["subtype"])
        other = found.setdefault(case, truth)
        if other != truth:
            raise DataError(
                f"{name} contradicts itself about case {case!r}, lines {lines[case]} and {row.line}",
                expected="one truth a case",
                found=f"{other.word} {other.subtype} {other.reference}".strip()
                + " and "
                + f"{truth.word} {truth.subtype} {truth.reference}".strip(),
            )
        lines.setdefault(case, row.line)
    _check_cases(found, name, cases)
    return found


def _check_cases(found: dict[str, Truth], name: str, cases: Sequence[str]) -> None:
    unknown = [case for case in found if case not in set(cases)]
    without = [case for case in cases if case not in found]
    if not unknown and not without:
        return
    problems = [
        *([f"no truth for {len(without)} of {len(cases)} cases: {listed(without)}"] if without else []),
        *([f"truth for {len(unknown)} cases that are not in the list: {listed(unknown)}"] if unknown else []),
    ]
    raise DataError(
        f"{name} does not fit the list of cases",
        expected="one truth for every case of the list and for no other",
        found="; ".join(problems),
        todo="correct the file and promise it again with 'leukolens verify-site commit DIR --truth FILE --reason WHY'",
    )


def truth_csv(truths: dict[str, Truth]) -> str:
    """Return the truth as leukolens keeps it after unblinding."""
    rows = ([case, one.word, one.reference, one.subtype] for case, one in truths.items())
    return csv_text([[*COLUMNS, *OPTIONAL], *rows])
