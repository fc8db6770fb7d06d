"""Training runs as a comparison reads them: one fold, or a folder of folds whose test sides are pooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukolens.assess.run_records import read_summary, read_training
from leukolens.assess.run_tables import Row, read_rows, read_times
from leukolens.data.stamp import SplitStamp, join_stamps, read_stamp
from leukolens.finding import DataError, OutputError
from leukolens.train.layout import CURVES_FILE, FOLD, RUN_FILE, SUMMARY_FILE, TEST_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class FoldRun:
    """What one finished fold left.

    Attributes
    ----------
    number
        Of the fold in its split.
    folder
        Where it lies.
    rows
        Its test side; empty where the split has none.
    trained
        Images that it learned from.
    images
        Images on all sides of the fold; an embargo leaves out more.
    seconds, processor_seconds
        Of training, by the clock and by the processor; None where the run did not write them down.
    epochs
        How many were trained.
    device
        On what, such as "cpu" or "NVIDIA A100"; None where the run did not write it down.
    """

    number: int
    folder: Path
    rows: tuple[Row, ...]
    trained: int
    images: int
    seconds: float | None
    processor_seconds: float | None
    epochs: int
    device: str | None = None

    @property
    def right(self) -> int:
        """Images of the test side whose class is right."""
        return sum(row.label == row.predicted for row in self.rows)


@dataclass(frozen=True)
class Run:
    """One or several folds of one recipe on one split.

    Attributes
    ----------
    name, folder
        What it is called, and where it lies.
    identity
        Recipe, hashes of data and split, classes: what is the same in all folds.
    source
        Where data and split lay in training.
    manifest
        Of the first fold.
    folds
        By their numbers.
    pooled
        Whether it is a folder of folds.
    stamp
        The kind of split, see `leukolens.data.stamp`.
    """

    name: str
    folder: Path
    identity: Mapping[str, Any]
    source: Mapping[str, Any]
    manifest: Mapping[str, Any]
    folds: tuple[FoldRun, ...]
    pooled: bool
    stamp: SplitStamp

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the probabilities."""
        return tuple(self.identity["classes"])

    @property
    def rows(self) -> list[Row]:
        """The test images of all folds, fold by fold."""
        return [row for fold in self.folds for row in fold.rows]

    @property
    def fold_of_rows(self) -> NDArray[np.intp]:
        """(N,) the number of each row's fold."""
        return np.repeat([fold.number for fold in self.folds], [len(fold.rows) for fold in self.folds])


def fold_folders(folder: Path) -> list[Path]:
    """Return the folders fold-0, fold-1, ... that hold a run, finished or not, in the order of their numbers."""
    found = [path for path in folder.glob(f"{FOLD}*") if path.name.removeprefix(FOLD).isdigit() and path.is_dir()]
    begun = [path for path in found if (path / RUN_FILE).is_file()]
    return sorted(begun, key=lambda path: int(path.name.removeprefix(FOLD)))


def check_one_kind(folder: Path) -> None:
    """Refuse to read a folder that holds a single run and folds: its table of predictions is of either.

    Raises
    ------
    DataError
        It does.
    """
    folds = fold_folders(folder)
    if folds and (folder / RUN_FILE).is_file():
        raise DataError(
            f"{str(folder)!r} holds a single run and folds",
            expected=f"{RUN_FILE}, or folders {FOLD}0, {FOLD}1, ... that hold it",
            found=f"{RUN_FILE} and {', '.join(one.name for one in folds)}",
            todo=f"move the {FOLD} folders to a folder of their own, and train the single run again: its {TEST_FILE} "
            "may be that of the folds",
        )


def claim_run_folder(folder: Path, *, folds: bool) -> None:
    """See before training that a folder is not of the other kind: both would write their predictions into one table.

    Parameters
    ----------
    folder
        What `leukolens train` is to write into; need not be there.
    folds
        Whether several folds are to be trained, each in a folder within, or a single one.

    Raises
    ------
    OutputError
        It holds a single run and is to hold folds, or the other way round.
    """
    held = fold_folders(folder)
    if folds and (folder / RUN_FILE).is_file():
        raise OutputError(
            f"{str(folder)!r} holds a single run",
            expected="an empty folder, or one of folds",
            found=RUN_FILE,
            todo="choose another --out",
        )
    if not folds and held:
        raise OutputError(
            f"{str(folder)!r} holds folds",
            expected="an empty folder, or one of a single run",
            found=", ".join(one.name for one in held),
            todo="choose another --out",
        )


def read_run(folder: Path, name: str) -> Run:
    """Read a finished run, or all folds of one.

    Parameters
    ----------
    folder
        From ``leukolens train``.
    name
        What to call it.

    Raises
    ------
    DataError
        It is not there, is no run, is not finished, lacks its test predictions, mixes folds of different runs, or holds
        a single run and folds.
    """
    if not folder.is_dir():
        raise DataError(
            f"There is no run {str(folder)!r}",
            expected="a folder from 'leukolens train'",
            found="a file" if folder.exists() else "nothing",
            todo="check the path",
        )
    check_one_kind(folder)
    if (folder / RUN_FILE).is_file():
        return _joined([folder], folder, name, pooled=False)
    folds = fold_folders(folder)
    if not folds:
        raise DataError(
            f"{str(folder)!r} is no run",
            expected=f"{RUN_FILE}, or folders {FOLD}0, {FOLD}1, ... that hold it",
            todo="give a folder from 'leukolens train'",
        )
    return _joined(folds, folder, name, pooled=True)


def join_folds(folders: Sequence[Path], folder: Path, name: str) -> Run:
    """Read finished folds as one run, see `read_run`; which of them are missing is for the caller to tell."""
    return _joined(folders, folder, name, pooled=True)


def _joined(folders: Sequence[Path], folder: Path, name: str, *, pooled: bool) -> Run:
    contents = [read_training(one) for one in folders]
    identities = [{key: value for key, value in one["run"].items() if key != "fold"} for one in contents]
    for one, identity in zip(folders, identities, strict=True):
        different = [key for key in identities[0] if identity.get(key) != identities[0][key]]
        if different:
            raise DataError(
                f"{str(one)!r} is a fold of another run than {folders[0].name}",
                expected="one recipe, data set and split in all folds",
                found=f"a different {different[0]}",
                todo="train all folds by one command, or compare them one by one",
            )
    folds = tuple(
        _read_fold(one, content["run"]["fold"], identities[0]["classes"])
        for one, content in zip(folders, contents, strict=True)
    )
    if not all(fold.rows for fold in folds):
        raise DataError(
            f"{str(folder)!r} has predicted nothing that it was not trained on",
            expected=f"{TEST_FILE}",
            todo="train with a split that has a test side",
        )
    _once(folds, folder)
    first = contents[0]
    stamp = join_stamps([read_stamp(one.get("split"), one["run"]) for one in contents])
    source, manifest = first.get("source") or {}, first.get("manifest") or {}
    return Run(name, folder, identities[0], source, manifest, folds, pooled, stamp)


def _read_fold(folder: Path, number: int, classes: Sequence[str]) -> FoldRun:
    summary = read_summary(folder)
    if "test" in summary.leaky_order:
        raise DataError(
            f"The run {str(folder)!r} tested samples, not images",
            expected="a test side that was split off before samples were made",
            found=f"the leaky order {summary.leaky_order.get('order')!r}",
            todo="compare the recipe in the order 'before-validation' (--set samples.order=before-validation), "
            "whose test side is honest; or see with benchmarks/leaky_order.py what the order flatters",
        )
    sides = summary.sides
    rows = () if summary.test is None else read_rows(folder / TEST_FILE, classes)
    if summary.test is not None and len(rows) != summary.test.n:
        raise DataError(
            f"{str(folder / TEST_FILE)!r} is not whole",
            expected=f"{summary.test.n} images, as {SUMMARY_FILE} says",
            found=str(len(rows)),
            todo="bring the file back, or train again",
        )
    times = read_times(folder / CURVES_FILE)
    return FoldRun(number, folder, rows, sides.get("train", 0), sum(sides.values()), *times, summary.device)


def _once(folds: Sequence[FoldRun], folder: Path) -> None:
    seen: dict[str, int] = {}
    for fold in folds:
        for row in fold.rows:
            if row.path in seen:
                raise DataError(
                    f"{str(folder)!r} predicts {row.path!r} twice",
                    expected="every image in the test side of one fold",
                    found=f"it in fold {seen[row.path]} and fold {fold.number}",
                    todo="pool the folds of one split only",
                )
            seen[row.path] = fold.number
