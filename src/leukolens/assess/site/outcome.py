"""All that a verification found, put together from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.assess.bootstrap import REPLICATES, SEED
from leukolens.assess.site.accuracy import Accuracy, judge_cases
from leukolens.assess.site.answers import read_answers
from leukolens.assess.site.case_list import CaseList, load_cases
from leukolens.assess.site.plan import POSITIVE
from leukolens.assess.site.readers import ReaderFigures, judge_readings
from leukolens.assess.site.readings import load_readings, short_washouts
from leukolens.assess.site.repeatability import Again, Captures, compare_captures, compare_passes
from leukolens.assess.site.screening import FIRST_TIME, OTHER_ENGINE, SECOND_TIME
from leukolens.assess.site.state import CASES_FILE, TRUTH_FILE
from leukolens.assess.site.tables import parse_rows
from leukolens.assess.site.truth import COLUMNS, OPTIONAL, Truth
from leukolens.assess.site.verdict import Verdict, exact_number, judge, lowest
from leukolens.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    from leukolens.assess.site.answers import Answer
    from leukolens.assess.site.readings import Reading
    from leukolens.assess.site.record import Entry
    from leukolens.assess.site.state import Site
    from leukolens.statistics.intervals import Estimate


@dataclass(frozen=True)
class Outcome:
    """What a verification found.

    Attributes
    ----------
    site
        The verification as it stood.
    cases
        The list.
    answers
        Case to the answers of its captures.
    accuracy
        Against the truth.
    again, engines
        The same pictures screened again, and by the other engine; None where that was not done.
    captures
        Cases captured repeatedly.
    readings
        All of them.
    readers
        What they say; None without readings.
    reader_accuracy
        Each reader's sensitivity and specificity over the cases that they answered.
    verdicts
        One for each criterion.
    blindness
        Sentences about what was promised when.
    deviations
        Where the work departed from the plan or from the guidelines, one sentence each.
    """

    site: Site
    cases: CaseList
    answers: dict[str, list[Answer]]
    accuracy: Accuracy
    again: Again | None
    engines: Again | None
    captures: Captures
    readings: list[Reading]
    readers: ReaderFigures | None
    reader_accuracy: dict[str, dict[str, Estimate]]
    verdicts: list[Verdict]
    blindness: list[str]
    blind: bool
    deviations: list[str]

    @property
    def met(self) -> bool:
        """Whether every criterion is met."""
        return all(one.word == "met" for one in self.verdicts)


def judge_site(site: Site, *, seed: int = SEED, replicates: int = REPLICATES) -> Outcome:
    """Compute everything that a report says.

    Parameters
    ----------
    site
        After unblinding.
    seed, replicates
        Of the bootstrap over cases.
    """
    plan, folder = site.plan, site.folder
    cases = load_cases(folder / CASES_FILE)
    answers = read_answers(folder, cases, plan)
    truths = _load_truth(site)
    accuracy = judge_cases(answers, truths, plan.level)
    passes = {name for entry in site.all("run") for name in entry.details["passes"]}
    again, engines = (
        compare_passes(folder, FIRST_TIME, name, plan.level, exactly=name == SECOND_TIME) if name in passes else None
        for name in (SECOND_TIME, OTHER_ENGINE)
    )
    captures = compare_captures(answers, plan.threshold, plan.level)
    readings = load_readings(folder / name for entry in site.all("readings") for name in entry.files)
    readers = judge_readings(readings, answers, plan, seed=seed, replicates=replicates) if readings else None
    figures = _figures(accuracy, again, captures, readers)
    blind, blindness = _blindness(site)
    return Outcome(
        site=site,
        cases=cases,
        answers=answers,
        accuracy=accuracy,
        again=again,
        engines=engines,
        captures=captures,
        readings=readings,
        readers=readers,
        reader_accuracy=_reader_accuracy(readings, truths, site),
        verdicts=judge(plan, figures, plan.level),
        blindness=blindness,
        blind=blind,
        deviations=_deviations(site, accuracy, cases, readings, readers),
    )


def _load_truth(site: Site) -> dict[str, Truth]:
    rows = parse_rows((site.folder / TRUTH_FILE).read_bytes(), TRUTH_FILE, COLUMNS, OPTIONAL)
    return {
        row.cells["case"]: Truth(row.cells["truth"] == POSITIVE, row.cells["reference"], row.cells["subtype"])
        for row in rows
    }


def _figures(
    accuracy: Accuracy, again: Again | None, captures: Captures, readers: ReaderFigures | None
) -> dict[str, Estimate | None]:
    between = None if readers is None or readers.alpha is None else readers.alpha.estimate
    return {
        **{name: accuracy.figures[name] for name in ("sensitivity", "specificity", "no_answer", "review", "subtype")},
        "same_again": None if again is None else again.same,
        "captures_agree": captures.agree,
        "p_all_spread": exact_number(captures.deviation, captures.agree.n),
        "kappa_with_readers": lowest([pair.kappa.estimate for pair in readers.with_leukolens] if readers else []),
        "alpha_between_readers": between,
        "same_reader_again": lowest([pair.agreement for pair in readers.again] if readers else []),
    }


def _reader_accuracy(readings: list[Reading], truths: dict[str, Truth], site: Site) -> dict[str, dict[str, Estimate]]:
    """Compare first readings with the truth, as if each reader were the examination."""
    found: dict[str, dict[str, Estimate]] = {}
    first = [one for one in readings if one.reading == "1"]
    for reader in dict.fromkeys(one.reader for one in first):
        figures = {}
        for name, positive in (("sensitivity", True), ("specificity", False)):
            own = [one for one in first if one.reader == reader and truths[one.case].positive == positive]
            right = sum(site.plan.readers.positive(one.answer) == positive for one in own)
            figures[name] = clopper_pearson(right, len(own), site.plan.level)
        found[reader] = figures
    return found


def _blindness(site: Site) -> tuple[bool, list[str]]:
    """Say from the audit trail what was promised when; and whether that is enough to be called blind."""
    promises, started = site.all("commit"), site.all("run started")
    opened, unblinded = site.all("truth opened"), site.last("unblind")
    kept = promises[-1]
    first_run = started[0] if started else site.last("run")
    said = [
        f"The truth was promised on {_when(kept)} by {kept.by} (SHA-256 {kept.details['truth_sha256'][:16]}...).",
        f"The first picture was screened after {_when(first_run)}.",
        f"The truth was opened on {_when(unblinded)} by {unblinded.by}; it is the file that was promised.",
    ]
    for entry in promises[1:]:
        when = "after" if entry.number > first_run.number else "before"
        said.append(
            f"It was promised again on {_when(entry)} by {entry.by}, {when} screening began. The reason given: "
            f"{entry.details['reason']}"
        )
    late = kept.number > first_run.number
    for entry in opened:
        after = " A file promised after that may have been changed in its light." if entry.number < kept.number else ""
        said.append(
            f"On {_when(entry)} {entry.by} opened a promised file that could not be used: "
            f"{entry.details['problem']}{after}"
        )
    if late:
        said.append("So blindness is not proven: the promise that counts was made after screening had begun.")
    said.append(
        "The hash shows that the truth file did not change. It does not show who knew what is in it, nor who saw the "
        "pictures: that is for the laboratory to attest."
    )
    return not late, said


def _when(entry: Entry) -> str:
    return f"{entry.time:%Y-%m-%d %H:%M} UTC"


def _deviations(
    site: Site, accuracy: Accuracy, cases: CaseList, readings: list[Reading], readers: ReaderFigures | None
) -> list[str]:
    plan = site.plan
    found = []
    for truth, planned in (("leukaemia", plan.cases.leukaemia), ("no leukaemia", plan.cases.no_leukaemia)):
        n = sum(accuracy.table[truth].values())
        if n < planned:
            found.append(f"{n} cases are {truth}; {planned} were planned.")
    run = site.last("run")
    if run.leukolens != plan.leukolens:
        found.append(f"leukolens {run.leukolens} screened; the plan names {plan.leukolens}.")
    if readers is not None:
        total = len(cases.cases)
        found += [f"{name} answered {n} of {total} cases." for name, n in readers.readers.items() if n < total]
    found += short_washouts(readings, plan.readers.washout_days)
    unknown = sum(not one.truth.reference for one in accuracy.results)
    if unknown:
        found.append(f"For {unknown} of {len(accuracy.results)} cases the truth file names no reference method.")
    return found
