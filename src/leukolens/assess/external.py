"""How a bundle does in other laboratories: figures of each, of all together, and which of them it has never seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.assess.external_figures import TRUTHS, Image, figures_of
from leukolens.assess.external_judge import Failed, Judged, judge_files
from leukolens.assess.external_seen import ORDER, Evaluated, Seen, SeenStatus, judge_laboratory
from leukolens.assess.scores import THRESHOLD
from leukolens.data.catalogue import catalogue_sha256, sha256_of
from leukolens.data.grouping import group_images
from leukolens.finding import DataError
from leukolens.statistics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leukolens.assess.external_sites import Opened, Truth
    from leukolens.assess.rescaling import Rescaling
    from leukolens.data import Split
    from leukolens.engine.spec import FieldNetworkSpec
    from leukolens.screen import Screener
    from leukolens.statistics.intervals import Estimate


@dataclass(frozen=True)
class Unread:
    """A file that could not be read, and why."""

    site: str
    path: str
    reason: str


@dataclass(frozen=True)
class Laboratory:
    """One row of the report: a laboratory, or several together.

    Attributes
    ----------
    name, site
        Of the laboratory and of its data set; `site` is empty for several together.
    seen
        Whether the bundle has seen it; of several, the least favourable.
    images
        How many were judged.
    counts
        Of them, by truth.
    subjects
        How many subjects are known; None where none are.
    figures
        By the names in `FIGURES`; only those that its classes allow.
    notes
        What must be known beside the figures.
    laboratories
        How many are in the row.
    """

    name: str
    site: str
    seen: Seen
    images: int
    counts: dict[Truth, int]
    subjects: int | None
    figures: dict[str, Estimate]
    notes: tuple[str, ...]
    laboratories: int = 1


@dataclass(frozen=True)
class Report:
    """All that was found. `pooled` holds "never seen" (where some are, not all) and "all", of two laboratories on."""

    images: tuple[Image, ...]
    laboratories: tuple[Laboratory, ...]
    pooled: tuple[Laboratory, ...]
    unread: tuple[Unread, ...]
    threshold: float
    level: float


def external_report(
    screener: Screener,
    sites: Sequence[Opened],
    rescalings: Mapping[str, Rescaling],
    *,
    split: Split | None = None,
    threshold: float = THRESHOLD,
    level: float = LEVEL,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Judge the chosen images of every site and compute every figure.

    Parameters
    ----------
    screener
        The bundle.
    sites
        Fingerprinted.
    rescalings
        By the name of a site: what brings its images to scale; sites without one are judged as they are.
    split
        The split file that the bundle was trained by, if at hand.
    threshold
        Probability of leukaemia from which on an image counts as leukaemia, set before looking.
    level
        Coverage of the intervals.
    progress
        Called with the number of files done.

    Raises
    ------
    DataError
        No image can be read.
    """
    tasks = [(site, index) for site in sites for index in site.chosen]
    files = [
        (site.catalogue.locate(site.catalogue.items[index]), rescalings.get(site.entry.name)) for site, index in tasks
    ]
    answers: list[Judged | Failed] = []
    for answer in judge_files(screener, files):
        answers.append(answer)
        if progress is not None:
            progress(len(answers))
    images, unread = _sort(sites, tasks, answers, screener.bundle.field)
    if not images:
        raise DataError("None of the images can be read", found=unread[0].reason if unread else "no image")
    seen = {site.entry.name: _seen(screener, site, split) for site in sites}
    rows = _rows(images, seen, threshold, level)
    return Report(images, rows, _pooled(images, rows, threshold, level), unread, threshold, level)


def _sort(
    sites: Sequence[Opened],
    tasks: Sequence[tuple[Opened, int]],
    answers: Sequence[Judged | Failed],
    spec: FieldNetworkSpec,
) -> tuple[tuple[Image, ...], tuple[Unread, ...]]:
    groups, start = {}, 0
    for site in sites:
        own = group_images(site.catalogue, by_patient=True)
        groups[site.entry.name] = [start + number for number in own]
        start += max(own) + 1
    images, unread = [], []
    for (site, index), answer in zip(tasks, answers, strict=True):
        item, name = site.catalogue.items[index], site.entry.name
        if isinstance(answer, Failed):
            unread.append(Unread(name, item.path, answer.reason))
            continue
        images.append(
            Image(
                site=name,
                laboratory=site.laboratory(item),
                item=item,
                truth=site.truth(item),
                group=groups[name][index],
                subject=item.patient is not None,
                answer=answer,
                p_all=_p_all(answer, spec),
                comparable=set(site.catalogue.classes) <= set(spec.labels),
            )
        )
    return tuple(images), tuple(unread)


def _p_all(answer: Judged, spec: FieldNetworkSpec) -> float | None:
    if answer.probabilities is None:
        return None
    positive = [
        p for name, p in zip(spec.labels, answer.probabilities, strict=True) if name not in spec.negative_labels
    ]
    return float(min(1.0, sum(positive)))


def _seen(screener: Screener, site: Opened, split: Split | None) -> Seen:
    catalogue = site.catalogue
    words = [catalogue.layout, *(name for own in catalogue.sites.values() for name in own.names), *catalogue.sites]
    words += [site.entry.laboratory] if site.entry.laboratory else []
    words += sorted({item.laboratory for item in catalogue.items if item.laboratory})
    named = site.entry.laboratory is not None or all(item.laboratory for item in catalogue.items)
    hashes = [sha256_of(item) for item in catalogue.items]
    evaluated = Evaluated(hashes, catalogue_sha256(catalogue), words, named)
    return judge_laboratory(screener.bundle.spec.provenance, evaluated, split)


def _rows(images: Sequence[Image], seen: Mapping[str, Seen], threshold: float, level: float) -> tuple[Laboratory, ...]:
    keys = list(dict.fromkeys((image.site, image.laboratory) for image in images))
    rows = []
    for site, laboratory in keys:
        own = [image for image in images if (image.site, image.laboratory) == (site, laboratory)]
        rows.append(_row(laboratory, site, seen[site], own, threshold, level, 1))
    return tuple(rows)


def _pooled(
    images: Sequence[Image], rows: Sequence[Laboratory], threshold: float, level: float
) -> tuple[Laboratory, ...]:
    if len(rows) < 2:
        return ()
    never = {(row.site, row.name) for row in rows if row.seen.status == "never seen"}
    pooled = []
    if 0 < len(never) < len(rows):
        own = [image for image in images if (image.site, image.laboratory) in never]
        seen = Seen("never seen", "Every one of them." if len(never) > 1 else "The only one of them.")
        pooled.append(_row("never seen", "", seen, own, threshold, level, len(never)))
    worst: SeenStatus = max((row.seen.status for row in rows), key=ORDER.index)
    seen = Seen(worst, "The least favourable of them.")
    return (*pooled, _row("all", "", seen, list(images), threshold, level, len(rows)))


def _row(
    name: str, site: str, seen: Seen, images: Sequence[Image], threshold: float, level: float, laboratories: int
) -> Laboratory:
    subjects = len({image.group for image in images if image.subject}) or None
    return Laboratory(
        name=name,
        site=site,
        seen=seen,
        images=len(images),
        counts={truth: sum(image.truth == truth for image in images) for truth in TRUTHS},
        subjects=subjects,
        figures=figures_of(images, threshold, level),
        notes=tuple(_notes(images, laboratories)),
        laboratories=laboratories,
    )


def _notes(images: Sequence[Image], laboratories: int) -> list[str]:
    present = {image.truth for image in images}
    notes = []
    if present == {"none"}:
        notes.append("No image of leukaemia: specificity only.")
    elif "none" not in present:
        notes.append("No image without leukaemia: no specificity, no AUC.")
    elif "ALL" not in present:
        notes.append("No image of ALL: no sensitivity, no AUC.")
    bare = sum(not image.subject for image in images)
    if bare:
        notes.append(
            "The subject of the image is not known."
            if len(images) == 1
            else f"Of {bare} of the {len(images)} images the subject is not known: they count as independent."
            if bare > 1
            else f"Of 1 of the {len(images)} images the subject is not known: it counts as independent."
        )
    if laboratories > 1:
        notes.append(
            "The intervals know of chance in the choice of images, not of laboratories; the AUC also compares "
            "laboratories with each other, where one of them has one class."
        )
    return notes
