"""What ``leukolens verify-site`` tells people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.site.result_files import NOT_A_VALIDATION
from leukolens.assess.site.wording import is_share, lead, write_bound, write_range, write_value
from leukolens.cli.console import output_console
from leukolens.finding import RESEARCH_USE
from leukolens.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leukolens.assess.site.case_list import CaseList
    from leukolens.assess.site.outcome import Outcome
    from leukolens.assess.site.planning import Prospect
    from leukolens.assess.site.readings import Reading
    from leukolens.assess.site.state import Site
    from leukolens.assess.site.truth import Truth


def planned(site: Site, found: Sequence[Prospect], remarks: Sequence[str]) -> None:
    """Tell what the plan can show."""
    _say(f"Wrote {site.folder / 'plan.yaml'}. Change it as you need; it is sealed when the cases are added.")
    _say_all([one.sentence for one in found])
    _say_all(remarks)
    _end(site, [])


def status(site: Site, found: Sequence[Prospect], remarks: Sequence[str], following: Sequence[str]) -> None:
    """Tell how the verification stands; everything in it was checked."""
    table = Table("no.", "step", "when (UTC)", "who", "files", box=SIMPLE)
    for entry in site.entries:
        when = f"{entry.time:%Y-%m-%d %H:%M:%S}"
        cells = (str(entry.number), entry.step, when, visible(entry.by), ", ".join(entry.files))
        table.add_row(*map(Text, cells))
    output_console().print(table)
    _say("The audit trail is whole, and every file is as its step left it.")
    _say("The plan is sealed." if site.sealed else "The plan is not sealed: it can still be changed.")
    _say_all([one.sentence for one in found])
    _say_all(remarks)
    _end(site, following)


def cases_added(site: Site, cases: CaseList, found: Sequence[Prospect], following: Sequence[str]) -> None:
    """Tell what was added."""
    repeated = len(cases.repeated())
    _say(
        f"{len(cases.cases)} cases with {len(cases.pictures)} pictures; {repeated} of them were captured repeatedly. "
        "The plan is sealed."
    )
    if not repeated:
        _say("No case was captured repeatedly, so nothing will be known of how answers vary between captures.")
    _say_all([one.sentence for one in found if one.name == "captures_agree"])
    promised(site, following)


def promised(site: Site, following: Sequence[str]) -> None:
    """Tell what was promised."""
    _say(f"The truth is promised by its SHA-256: {site.last('commit').details['truth_sha256']}")
    _end(site, following)


def screened(site: Site, passes: Mapping[str, Mapping[str, Any]], following: Sequence[str]) -> None:
    """Tell what was screened, and nothing of the answers."""
    for name, own in passes.items():
        counts = ", ".join(f"{count} {word}" for word, count in own["pictures"].items())
        _say(f"{name}: {counts}; {own['engine']} in {own['precision']}.")
    _end(site, following)


def readings_added(site: Site, fresh: Sequence[Reading], total: int, following: Sequence[str]) -> None:
    """Tell whose answers were added."""
    for reader, reading in dict.fromkeys((one.reader, one.reading) for one in fresh):
        n = sum((one.reader, one.reading) == (reader, reading) for one in fresh)
        short = "" if n == total else f": {total - n} cases have no answer among these"
        _say(f"{visible(reader)}, reading {reading}: {n} of {total} cases{short}.")
    _end(site, following)


def unblinded(site: Site, truths: Mapping[str, Truth], following: Sequence[str]) -> None:
    """Tell that the truth is the promised one, and where it leaves a criterion without cases."""
    positive = sum(truth.positive for truth in truths.values())
    negative = len(truths) - positive
    _say(f"The truth is the file that was promised: {positive} cases of leukaemia, {negative} without.")
    planned = site.plan.cases
    for what, figure, found, wanted in (
        ("of leukaemia", "sensitivity", positive, planned.leukaemia),
        ("without leukaemia", "specificity", negative, planned.no_leukaemia),
    ):
        if not found:
            _say(f"There is no case {what}, so {figure} cannot be shown; {wanted} were planned.")
        elif found < wanted:
            _say(f"There are {found} cases {what}; {wanted} were planned.")
    _end(site, following)


def reported(outcome: Outcome, site: Site, files: Sequence[str]) -> None:
    """Tell the verdicts."""
    console = output_console()
    console.print(Text(f"{visible(outcome.site.plan.laboratory)}: {lead(outcome)}", style="bold"))
    table = Table("criterion", "asked for", "found", "interval", "of", "verdict", box=SIMPLE)
    for one in outcome.verdicts:
        percent = is_share(one.name)
        table.add_row(
            Text(one.name),
            write_bound(one.name, one.criterion),
            write_value(one.figure, percent=percent),
            write_range(one.figure, percent=percent),
            "" if one.figure is None else str(one.figure.n),
            Text(one.word, style="" if one.word == "met" else "red"),
        )
    console.print(table)
    for one in outcome.verdicts:
        if one.word != "met":
            _say(f"{one.name}: {one.sentence}")
    counts = [one.outcome for one in outcome.accuracy.discordant()]
    words = ", ".join(f"{counts.count(word)} {word}" for word in dict.fromkeys(counts))
    _say(f"Cases not answered rightly: {words or 'none'}.")
    if not outcome.blind:
        _say("Not proven blind: see the report.")
    _say_all(outcome.deviations)
    _say(NOT_A_VALIDATION)
    _say(f"In {site.folder}: {', '.join(files)}")
    _end(site, [])


def _end(site: Site, following: Sequence[str]) -> None:
    """Tell the newest hash, which belongs into the laboratory's own records, and what comes next."""
    _say(f"Audit trail: step {len(site.entries)}, hash {site.head}. Write it down.")
    if following:
        _say("Next: " + "\n  or: ".join(following))
    output_console().print(Text(RESEARCH_USE, style="bold"))


def _say(sentence: str) -> None:
    output_console().print(Text(sentence), soft_wrap=True)


def _say_all(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        _say(sentence)
