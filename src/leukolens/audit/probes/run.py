"""All probes of a data set: from the records of its pictures to a report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from leukolens.audit.probes.cases import Case, Scores, list_cases, make_tables, score_cases
from leukolens.audit.probes.dealing import LEAST_DEALS, LEAST_IMAGES, Dealing, deal_groups, deal_images
from leukolens.audit.probes.looks import LOOKS
from leukolens.audit.probes.measure import ROW
from leukolens.audit.probes.report import GIVES, NEIGHBOURS, SIGNS, LookNote, ProbeReport, ProbeResult, SchemeNote
from leukolens.audit.probes.scoring import LEVEL, make_scheme
from leukolens.audit.probes.words import effect_of, told, verdict_of
from leukolens.finding import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.audit.probes.looks import Look
    from leukolens.audit.probes.measure import ProbeFeatures
    from leukolens.audit.probes.scoring import Scheme

    Ints = NDArray[np.intp]

PERMUTATIONS: Final = 499
SEED: Final = 88


def run_probes(
    features: Sequence[ProbeFeatures],
    labels: Sequence[str],
    groups: Sequence[int] | None = None,
    seed: int = SEED,
    jobs: int = 2,
    *,
    looks: Sequence[Look] = LOOKS,
    names: Sequence[str] | None = None,
    permutations: int = PERMUTATIONS,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeReport:
    """Try to tell the class from everything that is no cell.

    Parameters
    ----------
    features
        One record for each of N pictures that could be read, from `measure_probes`, in the order of the listing.
    labels
        (N,) the class of each.
    groups
        (N,) number of the group (session, field, copies) of each; None: not known.
    seed
        Where all that is random starts: the same gives the same report, whatever the jobs.
    jobs
        Threads.
    looks
        Those that `features` were measured with.
    names
        (N,) paths with ``/`` for the probe of the order; None: it is not measured.
    permutations
        How often labels are dealt anew.
    progress
        Called with the number of figures done and of all.

    Returns
    -------
    ProbeReport
        Always: what cannot be measured has its reason.

    Raises
    ------
    UsageError
        The sequences are not equally long, or `features` belong to other looks.
    """
    _check(features, labels, groups, names, looks)
    counts = Counter(labels)
    classes = sorted(name for name, count in counts.items() if count >= LEAST_IMAGES)
    kept = np.array([place for place, label in enumerate(labels) if label in classes], np.intp)
    number = {name: index for index, name in enumerate(classes)}
    coded = np.array([number[labels[place]] for place in kept], np.intp)
    own_groups = None if groups is None else np.asarray(groups, np.intp)[kept]
    schemes, notes = _schemes(coded, own_groups, counts, permutations, seed)
    cases = list_cases(looks)
    scores: dict[Case, Scores] = {}
    if schemes:
        tables = make_tables(features, names, kept, looks)
        scores = score_cases(cases, tables, schemes, seed, jobs, progress)
    why_not = {case: _why_not(case, looks, names, notes) for case in cases}
    return ProbeReport(
        classes={name: counts[name] for name in classes},
        left_out={name: count for name, count in sorted(counts.items()) if name not in number},
        schemes=notes,
        looks=[LookNote(name=look.name, meaning=look.meaning, failed=look.failed) for look in looks],
        level=LEVEL,
        permutations=permutations,
        seed=seed,
        results=[_result(case, looks, scores.get(case, Scores(None, None)), why_not[case]) for case in cases],
        notes=_notes(scores, groups is not None),
    )


def _check(
    features: Sequence[ProbeFeatures],
    labels: Sequence[str],
    groups: Sequence[int] | None,
    names: Sequence[str] | None,
    looks: Sequence[Look],
) -> None:
    for what, given in (("labels", labels), ("groups", groups), ("names", names)):
        if given is not None and len(given) != len(features):
            raise UsageError(
                f"the {what} do not belong to the records of the pictures",
                expected=f"{len(features)} of them, one a record",
                found=str(len(given)),
                todo="leave out the pictures that could not be read in both",
            )
    wrong = next((one.looks.shape for one in features if one.looks.shape != (len(looks), ROW)), None)
    if wrong is not None:
        raise UsageError(
            "a picture was measured under other looks",
            expected=f"numbers of shape {(len(looks), ROW)}",
            found=str(wrong),
            todo="give `looks` as they were given to measure_probes",
        )


def _schemes(
    labels: Ints, groups: Ints | None, counts: Counter[str], permutations: int, seed: int
) -> tuple[dict[str, Scheme], list[SchemeNote]]:
    """Make the schemes of folds that are possible, and say of each what it is or why it is not."""
    if len(np.unique(labels)) < 2:
        found = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "no image"
        why = f"two classes with at least {LEAST_IMAGES} images each are needed, found {found}"
        return {}, [_note("random", None, None, why), _note("grouped", None, None, why)]
    by_group = None if groups is None else deal_groups(labels, groups, seed)
    by_image = deal_images(labels, seed)
    schemes = {"random": make_scheme(by_image, labels, groups, permutations, seed, memory=by_group)}
    notes = [_note("random", by_image, groups, None)]
    if by_group is None:
        notes.append(_note("grouped", None, groups, _why_no_groups(labels, groups)))
    else:
        schemes["grouped"] = make_scheme(by_group, labels, groups, permutations, seed)
        notes.append(_note("grouped", by_group, groups, None))
    return schemes, notes


def _why_no_groups(labels: Ints, groups: Ints | None) -> str:
    if groups is None:
        return "no groups are given"
    each = [len(np.unique(groups[labels == name])) for name in np.unique(labels)]
    have = ", ".join(map(str, each))
    return (
        f"the classes have {have} groups: too few to hold some out and deal their labels anew in {LEAST_DEALS} ways; "
        "five groups in each class are enough"
    )


def _note(
    name: Literal["random", "grouped"], dealing: Dealing | None, groups: Ints | None, why: str | None
) -> SchemeNote:
    return SchemeNote(
        name=name,
        folds=None if dealing is None else dealing.count,
        groups=None if groups is None else len(np.unique(groups)),
        not_measurable=why,
    )


def _why_not(case: Case, looks: Sequence[Look], names: Sequence[str] | None, notes: list[SchemeNote]) -> str:
    """Say why a case has no score, should it have none."""
    if notes[0].not_measurable is not None:
        return notes[0].not_measurable
    if case.look is not None and looks[case.look].failed is not None:
        return f"{looks[case.look].name} could not be fitted: {(looks[case.look].failed or '').rstrip('.')}"
    return "no names of files are given" if names is None else "it was not measured"


def _result(case: Case, looks: Sequence[Look], scores: Scores, why_not: str) -> ProbeResult:
    random, grouped = told(scores.random), told(scores.grouped)
    look = None if case.look is None else looks[case.look].name
    verdict = verdict_of(random, grouped)
    return ProbeResult(
        probe=case.probe.name,
        sees=case.probe.sees,
        look=look,
        random=random,
        grouped=grouped,
        verdict=verdict,
        effect=effect_of(case.probe, look, random, grouped, why_not),
        todo=f"{case.probe.todo}." if verdict in (GIVES, NEIGHBOURS, SIGNS) else None,
    )


def _notes(scores: Mapping[Case, Scores], grouped: bool) -> list[str]:
    measured = sum(one.random is not None for one in scores.values())
    notes = [
        f"{measured} figures stand side by side, and one in twenty has p below 0.05 by chance alone.",
        "'Gives the class away' asks more: the whole interval lies above what 95 % of the dealings anew reach.",
        "Number and position of cells may be biology and no shortcut: what they tell has to be judged.",
    ]
    if not grouped:
        notes.append(
            "Without groups nothing tells memory of slides from a mark of the class: give the session or patient."
        )
    return notes if measured else []
