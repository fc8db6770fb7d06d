"""How many pictures were answered how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leukolens.finding import Finding


@dataclass(frozen=True)
class Summary:
    """Counts over the findings of one run.

    Attributes
    ----------
    pictures
        All inputs. It is the sum of the six that follow.
    lymphoblasts, none_seen, no_white_cells, no_conclusion
        Pictures that were judged, by conclusion.
    refused, errors
        Pictures that cannot be judged, and files that could not be read.
    review
        How many are for review, whatever the answer.
    """

    pictures: int
    lymphoblasts: int
    none_seen: int
    no_white_cells: int
    no_conclusion: int
    refused: int
    errors: int
    review: int

    def sentence(self) -> str:
        """Return the counts as one line, leaving out what there is none of."""
        parts = [
            (self.lymphoblasts, "with lymphoblasts"),
            (self.none_seen, "with none seen"),
            (self.no_white_cells, "without white cells"),
            (self.no_conclusion, "without conclusion"),
            (self.refused, "refused"),
            (self.errors, "could not be read"),
        ]
        told = ", ".join(f"{count} {words}" for count, words in parts if count)
        noun = "picture" if self.pictures == 1 else "pictures"
        return f"{self.pictures} {noun}" + (f": {told}; {self.review} for review." if told else ".")


def summarise(findings: Iterable[Finding]) -> Summary:
    """Count the findings of a run.

    Parameters
    ----------
    findings
        Read once.

    Returns
    -------
    Summary
    """
    answers: Counter[str] = Counter()
    review = 0
    for finding in findings:
        answers[finding.conclusion or "no conclusion" if finding.status == "ok" else finding.status] += 1
        review += finding.decision == "review"
    return Summary(
        pictures=answers.total(),
        lymphoblasts=answers["lymphoblasts"],
        none_seen=answers["none seen"],
        no_white_cells=answers["no white cells"],
        no_conclusion=answers["no conclusion"],
        refused=answers["refused"],
        errors=answers["error"],
        review=review,
    )
