"""Looks at test sides by what assesses models: each is written into the logs of the split and of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukolens.assess.run_groups import load_split
from leukolens.data.decision_log import Opened
from leukolens.data.openings import Look, Openings, bundle_opener, record_opening, run_opener
from leukolens.finding import DataError
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.layout import TEST_FILE
from leukolens.train.run_files import read_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leukolens.assess.provenance import Stamp
    from leukolens.assess.runs import Run
    from leukolens.engine.bundle import Bundle


def record_look(
    bundle: Bundle,
    stamp: Stamp,
    images: int,
    data_sha256: str,
    figures: Mapping[str, bytes | str],
    *,
    command: str,
    split_file: Path | None,
    out: Path | None = None,
    reason: str | None = None,
) -> Openings:
    """Write down that a bundle was judged on one side of a split, or on a whole data set.

    Call it once the figures are known, before they are printed or written.

    Parameters
    ----------
    bundle
        What was judged.
    stamp
        Of the figures, see `leukolens.assess.provenance.select`.
    images
        How many were judged.
    data_sha256
        Hash over the data set's paths and files.
    figures
        What came out, by the name of its file: the content, or its SHA-256 in hexadecimal.
    command
        The command line, with file names only.
    split_file
        Beside it the log is kept that counts every look at it; None where all images were taken.
    out
        Folder of the result, which keeps a log of its own; None where nothing is written.
    reason
        Why, in the words of whoever looked.
    """
    side = stamp.side or "test"
    opened = Opened(split_sha256=stamp.split_sha256, fold=stamp.fold, side=side, images=images, data_sha256=data_sha256)
    by = bundle_opener(bundle.spec.name, bundle.spec.version, bundle.sha256)
    return record_opening(
        Look(opened, command, (by,), figures, reason), split_file=split_file, folders=[] if out is None else [out]
    )


def record_sites(
    bundle: Bundle,
    sites: Mapping[str, tuple[int, str]],
    figures: Mapping[str, bytes | str],
    *,
    command: str,
    manifest: Path | None = None,
    out: Path | None = None,
    reason: str | None = None,
) -> dict[str, Openings]:
    """Write down that a bundle was judged on data sets of other laboratories.

    Parameters
    ----------
    bundle, figures, command, out, reason
        See `record_look`.
    sites
        Of each by its name: how many images were judged, and the hash over the data set's paths and files.
    manifest
        The file that lists the sites; beside it the log is kept that counts every look at them.

    Returns
    -------
    dict
        What to say beside the figures of each site.
    """
    by = bundle_opener(bundle.spec.name, bundle.spec.version, bundle.sha256)
    folders = [] if out is None else [out]
    return {
        name: record_opening(
            Look(Opened(images=images, data_sha256=data_sha256), command, (by,), figures, reason),
            split_file=manifest,
            folders=folders,
        )
        for name, (images, data_sha256) in sites.items()
    }


def record_run_opening(
    run: Path, figures: Mapping[str, Any], verb: str, *, split_file: Path | None, reason: str | None = None
) -> Openings:
    """Write down that the figures of a run's test side were taken.

    Parameters
    ----------
    run
        Folder of one finished fold.
    figures
        What came out, as JSON.
    verb
        Of the command line.
    split_file, reason
        See `record_look`.
    """
    identity = read_run(run)["run"]
    opened = Opened(
        split_sha256=identity["split_sha256"],
        fold=identity["fold"],
        images=int(figures["test"]["n"]),
        data_sha256=identity["data_sha256"],
    )
    by = run_opener(str(identity["recipe"].get("name", "")), run / RUN_WEIGHTS)
    content = json.dumps(figures, sort_keys=True).encode()
    look = Look(opened, f"leukolens {verb} {run.resolve().name}", (by,), {"figures": content}, reason)
    return record_opening(look, split_file=split_file, folders=[run])


def record_comparison(
    runs: Sequence[Run], *, command: str, splits: Sequence[Path] = (), reason: str | None = None
) -> list[Openings]:
    """Write down that the test sides of runs were compared: once for each fold of each split.

    Parameters
    ----------
    runs
        What was compared.
    command
        The command line, with file names only.
    splits
        Split files at hand, for runs whose own is no longer where it was.
    reason
        See `record_look`.
    """
    places: dict[tuple[str, int], list[tuple[Run, int]]] = {}
    for run in runs:
        for index, fold in enumerate(run.folds):
            places.setdefault((run.identity["split_sha256"], fold.number), []).append((run, index))
    return [_record_fold(place, members, command, splits, reason) for place, members in places.items()]


def _record_fold(
    place: tuple[str, int], members: Sequence[tuple[Run, int]], command: str, splits: Sequence[Path], reason: str | None
) -> Openings:
    sha256, number = place
    folds = [(run, run.folds[index]) for run, index in members]
    opened = Opened(
        split_sha256=sha256,
        fold=number,
        images=max(len(fold.rows) for _, fold in folds),
        data_sha256=folds[0][0].identity["data_sha256"],
    )
    by = tuple(run_opener(run.name, fold.folder / RUN_WEIGHTS) for run, fold in folds)
    figures: dict[str, bytes | str] = {
        f"{run.name}/{TEST_FILE}": (fold.folder / TEST_FILE).read_bytes() for run, fold in folds
    }
    known = [*splits, *(Path(str(run.source["split"])) for run, _ in folds if run.source.get("split"))]
    look = Look(opened, command, by, figures, reason)
    return record_opening(look, split_file=_file_of(sha256, known), folders=[fold.folder for _, fold in folds])


def _file_of(sha256: str, files: Sequence[Path]) -> Path | None:
    """Return the first of these files that is the split wanted; None where none is."""
    for path in dict.fromkeys(files):
        try:
            found = load_split(path).sha256
        except DataError:
            continue
        if found == sha256:
            return path
    return None
