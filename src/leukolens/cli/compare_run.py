"""The steps of ``leukolens compare``: all that can fail early first, then the figures, the costs, the files."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukolens.assess.comparison import POOLING, Comparison, Entry, check_runs, compare_runs
from leukolens.assess.comparison_output import claim_comparison, write_comparison
from leukolens.assess.costs import COSTS_FILE, CostBook, Subject, subject_of
from leukolens.assess.looks import record_comparison
from leukolens.assess.run_groups import load_split
from leukolens.assess.runs import Run, read_run
from leukolens.cli.compare_tell import tell
from leukolens.cli.console import error_console
from leukolens.cli.progress import counting
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import UsageError
from leukolens.networks.registry import network_entry
from leukolens.networks.table import REGISTRY
from leukolens.train.layout import FOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    runs: tuple[Path, ...]
    out: Path
    names: tuple[str, ...]
    networks: str | None
    waiting: str
    splits: tuple[Path, ...]
    speed: bool
    threads: int | None
    seed: int
    overwrite: bool
    reason: str | None = None


def run(request: Request) -> None:
    """Compare, write every file, and print the tables.

    Raises
    ------
    LeukolensError
        What cannot go on, all of it before anything is computed but an output that fills up.
    """
    named = name_runs(request.runs, request.names)
    extra = choose_networks(request.networks)
    splits = [load_split(path) for path in request.splits]
    runs = [read_run(folder, label) for label, folder in named.items()]
    check_runs(runs, splits)
    claim_comparison(request.out, overwrite=request.overwrite)
    pairs = len(runs) * (len(runs) - 1) // 2
    with counting("Comparing", len(runs) + pairs) as advance:
        comparison = compare_runs(runs, splits=splits, seed=request.seed, progress=advance)
    comparison = _with_costs(comparison, _waiting(extra, comparison, request.waiting), request)
    looks = record_comparison(runs, command=command_line(request), splits=request.splits, reason=request.reason)
    manifest = run_manifest("compare", _configuration(request, runs), _data(runs), request.seed)
    manifest["test_openings"] = [look.as_json() for look in looks]
    files = write_comparison(request.out, comparison, manifest)
    tell(comparison, request.out, files)
    for look in looks:
        error_console().print(look.sentence, markup=False, soft_wrap=True)


def name_runs(folders: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """Give each run its name: that of its folder, or the one given with ``LABEL=RUN``.

    Parameters
    ----------
    folders
        As given on the command line.
    names
        Each ``LABEL=RUN``; a RUN that is not among the folders is compared too.

    Raises
    ------
    UsageError
        A name without a run or a run without a name, or two runs of one name.
    """
    labels: dict[Path, str] = {}
    given = {folder.resolve(): folder for folder in folders}
    for text in names:
        label, equals, place = text.partition("=")
        if not equals or not label.strip() or not place:
            raise UsageError(f"--name {text}", expected="LABEL=RUN, such as vgg19=runs/vgg19", found=repr(text))
        labels[Path(place).resolve()] = label.strip()
        given.setdefault(Path(place).resolve(), Path(place))
    found: dict[str, Path] = {}
    for resolved, folder in given.items():
        label = labels.get(resolved) or _own_name(resolved)
        if label in found:
            raise UsageError(
                f"Two runs are called {label!r}",
                expected="a name for each",
                found=f"{str(found[label])!r} and {str(folder)!r}",
                todo="tell them apart with --name LABEL=RUN",
            )
        found[label] = folder
    if len(given) < len(folders):
        raise UsageError("A run is named twice", expected="each run once", found=", ".join(map(str, folders)))
    if not found:
        raise UsageError("There is nothing to compare", expected="at least one run", todo="name folders of runs")
    return found


def _own_name(place: Path) -> str:
    return f"{place.parent.name}/{place.name}" if place.name.startswith(FOLD) else place.name


def choose_networks(asked: str | None) -> list[str]:
    """Return the networks named in a list such as ``resnet152v2,vgg19``, or the whole registry for ``all``.

    Raises
    ------
    UsageError
        An unknown name.
    """
    if asked is None:
        return []
    if asked.strip() == "all":
        return list(REGISTRY)
    names = [part.strip() for part in asked.split(",") if part.strip()]
    return [network_entry(name).name for name in dict.fromkeys(names)]


def _waiting(names: Sequence[str], comparison: Comparison, words: str) -> list[tuple[Entry, Subject]]:
    """Return rows for networks without a run, to be measured on the first run's pictures if they can take them."""
    first = comparison.trained[0].run
    trained = {entry.network for entry in comparison.trained}
    if first is None:
        return []
    rows = []
    for name in names:
        if name not in trained:
            subject = Subject(
                {"name": name, "weights": "none"},
                first.identity["recipe"].get("preparation", {}),
                len(first.classes),
                otherwise=network_entry(name).size,
            )
            rows.append((Entry(name, name, POOLING, "", None, {}, stamp=words), subject))
    return rows


def _with_costs(comparison: Comparison, waiting: Sequence[tuple[Entry, Subject]], request: Request) -> Comparison:
    book = CostBook(request.out / COSTS_FILE, request.threads)
    rows = [(entry, subject_of(entry.run)) for entry in comparison.trained if entry.run is not None]
    measured = []
    with counting("Measuring", len(rows) + len(waiting)) as advance:
        for entry, subject in [*rows, *waiting]:
            measured.append(replace(entry, costs=book.measure(subject, speed=request.speed)))
            if advance is not None:
                advance(len(measured))
    return replace(comparison, entries=tuple(measured))


def _data(runs: Sequence[Run]) -> str | None:
    hashes = {run.identity["data_sha256"] for run in runs}
    return hashes.pop() if len(hashes) == 1 else None


def _configuration(request: Request, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "command_line": command_line(request),
        "runs": [
            {
                "name": one.name,
                "recipe": _recipe(one.identity),
                "data_sha256": one.identity["data_sha256"],
                "split_sha256": one.identity["split_sha256"],
                "folds": [fold.number for fold in one.folds],
                "trained": one.manifest.get("time"),
                "leukolens": one.manifest.get("leukolens"),
                "platform": one.manifest.get("platform"),
            }
            for one in runs
        ],
        "networks": request.networks,
        "speed": request.speed,
        "threads": request.threads,
    }


def _recipe(identity: Mapping[str, Any]) -> str:
    return str(identity["recipe"].get("name", "unknown"))


def command_line(request: Request) -> str:
    """Return the command with the names of folders only, so that it can be shown to others."""
    words = ["leukolens", "compare", *(_own_name(folder.resolve()) for folder in request.runs)]
    for text in request.names:
        label, _, folder = text.partition("=")
        words += ["--name", f"{label}={_own_name(Path(folder).resolve())}"]
    words += ["--networks", request.networks, "--waiting", request.waiting] if request.networks is not None else []
    for path in request.splits:
        words += ["--split", path.name]
    words += [] if request.speed else ["--no-speed"]
    words += ["--threads", str(request.threads)] if request.threads is not None else []
    return shlex.join([*words, "--seed", str(request.seed), "--out", request.out.resolve().name])
