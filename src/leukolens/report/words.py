"""Findings in words and short numbers: what the page and the terminal both say."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leukolens.finding import Case, Finding, Quality

ANSWERS: Final = {
    "lymphoblasts": "Lymphoblasts",
    "none seen": "None seen",
    "no white cells": "No white cells",
}
_STATUS_WORDS: Final = {"refused": "Refused", "error": "Error"}
SQUEEZE_SOURCES: Final = {
    "picture": "as recognised in the picture",
    "declared": "as declared",
    "shape": "as taken from its shape",
}
_REVIEW: Final = "review: "
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def visible(name: str) -> str:
    r"""Return a name as it can safely be shown: controls, direction marks and lone surrogates as escapes.

    Parameters
    ----------
    name
        Any text, such as a file's name.

    Returns
    -------
    str
        Text that can be encoded, stays on one line and does not steer a terminal.

    Examples
    --------
    >>> visible("a\x1b[31m\udcff.jpg")
    'a\\x1b[31m\\udcff.jpg'
    """
    if name.isascii() and name.isprintable():
        return name
    return "".join(_escape(sign) if unicodedata.category(sign) in _INVISIBLE else sign for sign in name)


def _escape(sign: str) -> str:
    # Joiners belong to the spelling of several scripts and do nothing else.
    return sign if sign in "\u200c\u200d" else sign.encode("unicode_escape").decode("ascii")


def answer(finding: Finding) -> str:
    """Return the answer in a word or two, such as ``None seen`` or ``Refused``."""
    if finding.status != "ok":
        return _STATUS_WORDS[finding.status]
    return conclusion_word(finding.conclusion)


def conclusion_word(conclusion: str | None) -> str:
    """Return the word for a conclusion; ``No conclusion`` for None."""
    return "No conclusion" if conclusion is None else ANSWERS[conclusion]


def answer_sentence(finding: Finding) -> str:
    """Return one sentence that a reader can take away from a finding."""
    if finding.status == "error":
        return "The file could not be read."
    if finding.status == "refused":
        return "The picture was refused: it cannot be judged."
    if finding.conclusion == "no white cells":
        return "No white cells were found, so nothing can be said about lymphoblasts."
    if finding.conclusion is None:
        return "Nothing can be said about lymphoblasts."
    seen = "shows leukaemic lymphoblasts" if finding.conclusion == "lymphoblasts" else "shows no leukaemic lymphoblasts"
    probability = "" if finding.p_all is None else f"; probability that it shows any: {probability_text(finding.p_all)}"
    caution = " A person must look before that counts." if finding.decision == "review" else ""
    return f"By the model, the picture {seen}{probability}.{caution}"


def probability_text(value: float | None) -> str:
    """Return a probability with two places, never rounded to certainty.

    Examples
    --------
    >>> probability_text(0.9987), probability_text(0.5), probability_text(0.0001), probability_text(None)
    ('> 0.99', '0.50', '< 0.01', '–')
    """
    if value is None:
        return "–"
    if value > 0.994:
        return "> 0.99"
    if value < 0.006:
        return "< 0.01"
    return f"{value:.2f}"


def probability_of_label(finding: Finding) -> str:
    """Return the class with its probability, such as ``Pre-B 0.97``; ``–`` where no class is named."""
    if finding.label is None:
        return "–"
    if finding.probabilities is None or finding.label not in finding.probabilities:
        return finding.label
    return f"{finding.label} {probability_text(finding.probabilities[finding.label])}"


def why_review(finding: Finding) -> list[str]:
    """Return why a person must look: the reason of a refusal or error first, then the notes that say so, each once."""
    notes = [note.removeprefix(_REVIEW) for note in finding.notes if note.startswith(_REVIEW)]
    return list(dict.fromkeys([finding.reason, *notes] if finding.reason else notes))


def what_was_done(finding: Finding) -> list[str]:
    """Return what was done to read and prepare the picture, each step once."""
    steps = [note for note in finding.notes if not note.startswith(_REVIEW)]
    if finding.quality is not None:
        steps += _preparation(finding.quality)
    return list(dict.fromkeys(steps))


def _preparation(quality: Quality) -> list[str]:
    steps = []
    if abs(quality.squeeze - 1.0) >= 0.005:
        steps.append(f"squeeze by {quality.squeeze:.3f} undone, {SQUEEZE_SOURCES[quality.squeeze_source]}")
    if quality.burned_in > 0.0:
        steps.append(f"scale bar or marks painted out, {100.0 * quality.burned_in:.1f} % of the picture")
    return steps


def review_rank(finding: Finding) -> tuple[bool, float]:
    """Sort key: for review first, then by falling probability of lymphoblasts."""
    return finding.decision != "review", -(finding.p_all if finding.p_all is not None else -1.0)


def case_rank(case: Case) -> tuple[bool, float]:
    """Sort key of cases: for review first, then by falling probability of lymphoblasts."""
    return case.decision != "review", -(case.p_all if case.p_all is not None else -1.0)
