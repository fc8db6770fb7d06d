"""From what an audit found, by number, to what it tells, by path: the parts of ``audit.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.features import NAMES
from leukolens.audit.findings import (
    Contradiction,
    DoubtfulLabel,
    Fields,
    FileProperty,
    GroupCounts,
    Labels,
    Lighting,
    LightPicture,
    NearDuplicates,
    Outliers,
    OutlyingPicture,
    Pair,
    PatientOddity,
    Probes,
    Section,
    Sessions,
    Shown,
)
from leukolens.audit.formats import telling
from leukolens.audit.hashes import BITS
from leukolens.audit.labels import FOLDS
from leukolens.audit.links import several
from leukolens.audit.outliers import NEIGHBOURS
from leukolens.audit.robust import BY_CHANCE, EXTREME
from leukolens.audit.steps import Missing
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from typing import TypeVar

    from leukolens.audit.labels import Judgement
    from leukolens.audit.links import Link
    from leukolens.audit.run import Audit
    from leukolens.data.catalogue import Item

    _Section = TypeVar("_Section", bound=Section)

_LABEL_METHOD: Final = (
    f"Confident learning (Northcutt et al. 2021) on a logistic regression over {len(NAMES)} features of colour, "
    f"texture and shape; {FOLDS} folds, copies, fields and patients undivided"
)
_OUTLIER_METHOD: Final = (
    f"Mean distance to the {NEIGHBOURS} nearest pictures of other groups in the main directions of {len(NAMES)} "
    f"features; robust z score of its logarithm above {EXTREME:g}"
)


def near_section(audit: Audit) -> NearDuplicates:
    """Return near-duplicates with their threshold and what it costs."""
    threshold = audit.threshold
    again = np.array([one.hashes.again for one in audit.measured])
    return NearDuplicates(
        threshold_bits=threshold.bits,
        of_bits=BITS,
        false_rate=threshold.rate,
        false_expected=threshold.expected,
        unrelated_pairs=threshold.unrelated,
        median_bits=threshold.median,
        how=threshold.how,
        recognised=float((again <= threshold.bits).mean()),
        pairs=[_pair(audit.items, link) for link in audit.near],
    )


def fields_section(audit: Audit) -> Fields:
    """Return repeated captures of fields."""
    found = audit.fields
    if isinstance(found, Missing):
        return _missing(Fields, found)
    groups = several(found.groups)
    return Fields(
        groups=len(groups),
        pictures=sum(map(len, groups)),
        pairs=[_pair(audit.items, link) for link in found.links],
        facts=found.facts,
    )


def sessions_section(audit: Audit) -> Sessions:
    """Return the recovered sessions."""
    found = audit.sessions
    if isinstance(found, Missing):
        return _missing(Sessions, found)
    sessions = {label: set[str]() for label in audit.catalogue.classes}
    of_field: dict[str, set[str]] = {}
    for row in audit.rows:
        if row.session:
            sessions[row.entry.label].add(row.session)
            of_field.setdefault(row.field, set()).add(row.session)
    divided = sum(len(own) > 1 for name, own in of_field.items() if name)
    return Sessions(
        groups=len(set(found.groups)),
        by_class={label: len(own) for label, own in sessions.items()},
        divided_fields=divided,
        notes=list(found.notes),
        facts=found.facts,
    )


def labels_section(audit: Audit) -> Labels:
    """Return likely label errors, the surest first."""
    found = audit.labels
    if isinstance(found, Missing):
        return _missing(Labels, found)
    return Labels(
        classes=list(found.classes),
        left_out=list(found.left_out),
        judged=len(found.indices),
        accuracy=found.accuracy,
        flagged=[_doubtful(audit.items, found, int(row)) for row in found.confidence.flagged(found.labels)],
        estimated_errors=found.confidence.errors,
        by_chance=found.chance.expected,
        by_chance_low=found.chance.low,
        by_chance_high=found.chance.high,
        joint=found.confidence.joint.tolist(),
        method=_LABEL_METHOD,
    )


def _doubtful(items: list[Item], found: Judgement, row: int) -> DoubtfulLabel:
    shown = int(found.confidence.shown[row])
    own = found.probabilities[row]
    return DoubtfulLabel(
        picture=_shown(items[found.indices[row]]),
        suggested=found.classes[shown],
        p_label=float(own[found.labels[row]]),
        p_suggested=float(own[shown]),
    )


def outliers_section(audit: Audit) -> Outliers:
    """Return pictures unlike the others."""
    found = audit.outliers
    if isinstance(found, Missing):
        return _missing(Outliers, found)
    flagged = [
        OutlyingPicture(picture=_shown(audit.items[one.index]), z=one.z, because=list(one.because)) for one in found
    ]
    return Outliers(flagged=flagged, by_chance=BY_CHANCE * len(audit.items), method=_OUTLIER_METHOD)


def lighting_section(audit: Audit) -> Lighting:
    """Return blurred, dark and bright pictures."""
    flagged = [
        LightPicture(
            picture=_shown(audit.items[one.index]),
            focus=one.focus,
            exposure=one.exposure,
            clipped=one.clipped,
            z=one.z,
            why=list(one.why),
        )
        for one in audit.lights
    ]
    return Lighting(
        flagged=flagged,
        median_focus=float(np.median([one.light.focus for one in audit.measured])),
        median_exposure=float(np.median([one.light.exposure for one in audit.measured])),
    )


def file_properties(audit: Audit) -> list[FileProperty]:
    """Return sizes, formats, colour modes, shapes and marks by class."""
    classes = audit.catalogue.classes
    totals = [sum(entry.label == label for entry in audit.entries) for label in classes]
    giving = telling(audit.properties, totals)
    return [
        FileProperty(
            name=one.name,
            value=one.value,
            counts=dict(zip(classes, one.counts, strict=True)),
            rare=one.rare,
            telling=one in giving,
        )
        for one in audit.properties
    ]


def probes_section(audit: Audit) -> Probes:
    """Return the table of shortcut probes."""
    found = audit.probes
    if isinstance(found, Missing):
        return _missing(Probes, found)
    return Probes(
        tried=list(found.tried),
        giving=list(found.giving),
        headings=list(found.headings),
        rows=[list(row) for row in found.rows],
        sentences=list(found.sentences),
        notes=list(found.notes),
        report=found.report,
    )


def contradictions(audit: Audit) -> list[Contradiction]:
    """Return pairs that show the same under different labels or patients."""
    return [
        Contradiction(about=list(one.about), pair=_pair(audit.items, one.link), what=plain(one.what))
        for one in audit.conflicts
    ]


def patient_oddities(audit: Audit) -> list[PatientOddity]:
    """Return what is odd about the patients."""
    return [PatientOddity(patients=list(map(plain, one.patients)), what=plain(one.what)) for one in audit.patients]


def group_counts(audit: Audit) -> GroupCounts:
    """Count the groups of the readable pictures."""
    rows = [row for row in audit.rows if row.entry.reason is None]
    return GroupCounts(
        duplicate=len({row.duplicate for row in rows}),
        field=None if isinstance(audit.fields, Missing) else len({row.field for row in rows}),
        session=None if isinstance(audit.sessions, Missing) else len({row.session for row in rows}),
    )


def _missing(section: type[_Section], why: Missing) -> _Section:
    return section(status="skipped" if why.asked else "not possible", reason=why.reason)


def _pair(items: list[Item], link: Link) -> Pair:
    first, second = _shown(items[link.first]), _shown(items[link.second])
    return Pair(kind=link.kind, first=first, second=second, score=link.score, note=link.note)


def _shown(item: Item) -> Shown:
    return Shown(path=plain(item.path), label=item.label, patient=None if item.patient is None else plain(item.patient))
