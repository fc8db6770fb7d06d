"""What a benchmark is going to train, written down before the first network is trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.runs import claim_run_folder
from leukolens.data.catalogue import catalogue_sha256
from leukolens.data.run_manifest import run_manifest
from leukolens.data.split import write_split
from leukolens.data.stamp import stamp_split
from leukolens.data.verify import read_split
from leukolens.finding import DataError, OutputError, UsageError
from leukolens.finding.output import probe_folder, put_file
from leukolens.networks.cost import measure_cost
from leukolens.train.layout import FOLD, SUMMARY_FILE
from leukolens.train.plan import Plan, check_unseen
from leukolens.train.same_run import first_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leukolens.assess.protocols import Protocol
    from leukolens.data import Catalogue, Groups, Split
    from leukolens.data.committed import Committed
    from leukolens.train.recipe import Recipe

PLAN_FILE: Final = "plan.json"
SPLIT_FILE: Final = "split.json"
_TODO: Final = "choose another --out"
_ROOM: Final = 1 << 22


@dataclass(frozen=True)
class BenchmarkPlan:
    """Everything that is fixed before training.

    Attributes
    ----------
    catalogue, recipe
        What is learned, and how.
    splits
        By protocol.
    groups, committed
        The groups file, and what git knows of it; None without one.
    threshold
        Probability of leukaemia from which on an image counts as such.
    source
        Where the data lie on this machine; no part of the identity.
    reason
        Why the test sides are looked at, in the words of whoever asks; for the log of decisions.
    """

    catalogue: Catalogue
    recipe: Recipe
    splits: Mapping[Protocol, Split]
    groups: Groups | None
    committed: Committed | None
    threshold: float
    source: Mapping[str, Any]
    reason: str | None = None

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a benchmark to go on; protocols may be added."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "data_sha256": catalogue_sha256(self.catalogue),
            "classes": list(self.catalogue.classes),
            "negative": list(self.catalogue.negative or ()),
            "groups_sha256": None if self.groups is None else self.groups.sha256,
            "threshold": self.threshold,
        }

    def trainings(self, folder: Path) -> Iterator[tuple[Protocol, Path, Plan]]:
        """Go through every network to be trained, with the folder of its run."""
        for protocol, split in self.splits.items():
            place = folder / protocol.folder
            source = dict(self.source) | {"split": str((place / SPLIT_FILE).resolve())}
            for number in range(len(split.folds)):
                plan = Plan(self.catalogue, split, number, self.recipe, source, self.groups, self.reason)
                yield protocol, place / f"{FOLD}{number}", plan


@dataclass(frozen=True)
class ProtocolCost:
    """What one protocol costs.

    Attributes
    ----------
    protocol, kind
        Its name, and the kind of split in words.
    networks, done
        How many are trained, and how many of them are finished already.
    pictures
        Training pictures of all networks that are still to be trained, once each.
    macs
        Multiply-accumulates of their training at most, forwards and backwards (three times forwards), of a probe
        forwards alone; None where the network's are not known.
    seconds
        By the clock, from the epochs of the finished networks here; None where there is none.
    """

    protocol: str
    kind: str
    networks: int
    done: int
    pictures: int
    macs: int | None
    seconds: float | None


def check_recipe(recipe: Recipe) -> None:
    """See that a recipe predicts images.

    Raises
    ------
    UsageError
        Its order of samples tests samples, of which an image may have several or none.
    """
    if recipe.samples.order in ("before-test", "thesis"):
        raise UsageError(
            f"The recipe {recipe.name!r} cannot be benchmarked in the order {recipe.samples.order!r}",
            expected="a test side that is split off before samples are made",
            todo="--set samples.order=after-split (or before-validation)",
        )


def open_benchmark(plan: BenchmarkPlan, folder: Path, *, resume: bool) -> dict[str, Any]:
    """Make the folder and write plan and splits, or check that it holds the same benchmark.

    Parameters
    ----------
    plan
        What is going to be done.
    folder
        Its folder.
    resume
        Whether to go on with what it holds.

    Returns
    -------
    dict
        The content of ``plan.json``: that of the first start where it is gone on with.

    Raises
    ------
    OutputError
        It holds another benchmark, or one and `resume` is not set, or cannot be written.
    DataError
        A protocol's split there is of other images, or start weights have seen what is held out.
    """
    path = folder / PLAN_FILE
    there = _read(path)
    if there is not None:
        if not resume:
            raise OutputError(f"{str(folder)!r} holds a benchmark already", todo=f"go on with --resume, or {_TODO}")
        if (different := first_difference(there["plan"], plan.identity())) is not None:
            raise OutputError(
                f"{str(folder)!r} holds another benchmark",
                found=f"a difference in {different}",
                todo=f"go on with what it was started with, or {_TODO}",
            )
    for _, run, one in plan.trainings(folder):
        one.stamp()
        if not run.exists():
            check_unseen(one)
    probe_folder(folder, _ROOM)
    for protocol, split in plan.splits.items():
        claim_run_folder(folder / protocol.folder, folds=True)
        _keep_split(plan, split, folder / protocol.folder)
    if there is not None:
        return there
    content = _content(plan)
    put_file(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode(), todo=_TODO)
    return content


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        if isinstance(content["plan"], dict):
            return dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(f"{str(path)!r} cannot be read", expected="the plan of a benchmark", todo=_TODO)


def _keep_split(plan: BenchmarkPlan, split: Split, folder: Path) -> None:
    path = folder / SPLIT_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_split(split, path)
    elif (found := read_split(path, plan.catalogue)).sha256 != split.sha256:
        raise OutputError(
            f"{str(folder)!r} was split in another way",
            expected=f"a split with SHA-256 {split.sha256[:12]}...",
            found=f"{found.sha256[:12]}...",
            todo=f"go on with the options that it was started with, or {_TODO}",
        )


def _content(plan: BenchmarkPlan) -> dict[str, Any]:
    identity = plan.identity()
    groups = None
    if plan.groups is not None:
        known = None if plan.committed is None else asdict(plan.committed)
        groups = {"file": plan.groups.file, "sha256": plan.groups.sha256, "git": known}
    return {
        "schema": "1",
        "kind": "leukolens benchmark plan",
        "plan": identity,
        "protocols": {
            protocol.name: {"split": stamp_split(split).content(), "folds": len(split.folds)}
            for protocol, split in plan.splits.items()
        },
        "groups": groups,
        "manifest": run_manifest("benchmark", identity, identity["data_sha256"], plan.recipe.seed),
    }


def groups_caution(content: Mapping[str, Any]) -> str | None:
    """Say what is not sure about when the groups were fixed; None where nothing is.

    Parameters
    ----------
    content
        Of ``plan.json``.
    """
    groups = content.get("groups")
    if groups is None:
        return (
            "No groups file was given: captures of one field can stand on both sides of any split but one by patient."
        )
    git = groups.get("git")
    if git is None or not git["in_work_tree"]:
        return None
    if git["committed"]:
        return None
    return (
        f"{groups['file']} was NOT COMMITTED when the first network was trained: only its SHA-256 "
        f"{groups['sha256'][:12]} in plan.json speaks for the groups having been fixed beforehand."
    )


def groups_words(content: Mapping[str, Any]) -> str:
    """Say which groups file was used, and since when it was fixed."""
    groups = content.get("groups")
    if groups is None:
        return "none"
    git = groups.get("git") or {}
    words = f"{groups['file']}, SHA-256 {groups['sha256']}"
    if git.get("committed"):
        return f"{words}, committed in {git['commit'][:12]} on {git['time']}, before the first network was trained"
    return f"{words}, {'not committed' if git.get('in_work_tree') else 'in no git work tree'}"


def protocol_costs(plan: BenchmarkPlan, folder: Path | None) -> list[ProtocolCost]:
    """Say what is still to be trained in a folder (none: all of it), and what that costs at most."""
    folder = folder or Path("nowhere")
    size = (plan.recipe.preparation.height, plan.recipe.preparation.width)
    macs = measure_cost(plan.recipe.network, len(plan.catalogue.classes), size).macs
    costs = []
    pace = _pace(plan, folder)
    for protocol, split in plan.splits.items():
        runs = [(run, one) for own, run, one in plan.trainings(folder) if own == protocol]
        left = [one for run, one in runs if not (run / SUMMARY_FILE).is_file()]
        pictures = sum(len(one.division().train) for one in left)
        shown = pictures * _times_seen(plan.recipe)
        costs.append(
            ProtocolCost(
                protocol=protocol.name,
                kind=stamp_split(split).kind,
                networks=len(runs),
                done=len(runs) - len(left),
                pictures=pictures,
                macs=(3 if plan.recipe.probe is None else 1) * macs * shown,
                seconds=None if pace is None else pace * shown,
            )
        )
    return costs


def _times_seen(recipe: Recipe) -> int:
    """Return how often training sees each picture at most."""
    return recipe.epochs if recipe.probe is None else 1 + recipe.probe.passes


def _pace(plan: BenchmarkPlan, folder: Path) -> float | None:
    """Return seconds a picture and epoch of the networks that are finished; None where none is."""
    seconds, shown = 0.0, 0
    for _, run, one in plan.trainings(folder):
        try:
            summary = json.loads((run / SUMMARY_FILE).read_text("utf-8"))
            seconds += float(summary["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        shown += len(one.division().train) * _times_seen(plan.recipe)
    return seconds / shown if shown else None
