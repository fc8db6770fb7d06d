"""Hyper-parameter search with Optuna: many short trainings, judged on the validation side alone."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import lightning.pytorch as pl
import optuna
from optuna.trial import FrozenTrial, TrialState

from leukolens.finding import DataError, LeukolensError, OutputError, UsageError
from leukolens.finding.output import put_file
from leukolens.train.callbacks import read_curves
from leukolens.train.fit import WEIGHTS, fit
from leukolens.train.layout import CURVES_FILE, LAST
from leukolens.train.machine import Machine
from leukolens.train.plan import Plan
from leukolens.train.recipe import MOST_SEED, Recipe, recipe_text, with_values
from leukolens.train.run import fold_sides
from leukolens.train.same_run import first_difference
from leukolens.train.search_output import INTERRUPTED, write_outcome
from leukolens.train.search_start import check_starts
from leukolens.train.space import Space
from leukolens.train.start import comparable_start

STUDY: Final = "study.db"
TRIALS: Final = "trials"
_REASON: Final = 500  # characters of what a trial failed of
Objective = Literal["loss", "accuracy"]
optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Search:
    """What is searched.

    Attributes
    ----------
    plan
        Data, split, fold, and the recipe that the search starts from.
    space
        The fields that vary.
    objective
        The figure of the validation side: at the epoch that the recipe selects.
    """

    plan: Plan
    space: Space
    objective: Objective = "loss"

    @property
    def direction(self) -> optuna.study.StudyDirection:
        """Return which way is better."""
        kinds = optuna.study.StudyDirection
        return kinds.MINIMIZE if self.objective == "loss" else kinds.MAXIMIZE

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a search to be gone on with."""
        space = {name: given.model_dump(mode="json") for name, given in self.space.items()}
        return self.plan.identity() | {"space": space, "objective": self.objective}


class _Watch(pl.Callback):
    """Tells Optuna of each epoch, and ends a trial that does worse than the median of those before."""

    def __init__(self, trial: optuna.Trial, column: str) -> None:
        self.trial = trial
        self.column = column

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self.trial.report(float(trainer.callback_metrics[self.column]), trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def run_search(
    search: Search,
    folder: Path,
    *,
    trials: int,
    timeout: float | None = None,
    resume: bool = False,
    machine: Machine | None = None,
    cache: Path | None = None,
    on_trial: Callable[[FrozenTrial], None] | None = None,
) -> optuna.Study:
    """Search, leaving ``study.db``, ``trials.csv``, ``best.yaml``, ``search.png`` and each trial's recipe and curves.

    The test side is never looked at. What is tried next depends on the trials before and the recipe's seed alone, so
    that a search that was killed goes on as if it had not been: the trial that it was in is done again.

    Parameters
    ----------
    search
        What to search.
    folder
        Where to keep it.
    trials
        How many trials there are to be in all.
    timeout
        Seconds after which no trial is begun any more.
    resume
        Whether to go on with what the folder holds.
    machine
        On what to train.
    cache
        Where prepared pictures are kept, ``folder/cache`` if not given.
    on_trial
        Called after each trial.

    Raises
    ------
    DataError
        If the fold has no validation side, or start weights have learned from it.
    OutputError
        If the folder holds a search and `resume` is not set, or another search.
    UsageError
        If the recipe has a leaky order of samples, a network or its start weights cannot be had (before the first
        trial, see `leukolens.train.search_start.check_starts`), or not one trial came to an end.
    """
    if not search.plan.split.folds[search.plan.fold].validation:
        raise DataError(
            f"fold {search.plan.fold} of the split has no validation side",
            expected="one, since a search that looked at the test side would spoil it",
            todo="split with --validation",
        )
    if search.plan.recipe.samples.leaky:
        raise UsageError(
            f"a search cannot be judged by the leaky order {search.plan.recipe.samples.order!r}",
            expected="a validation side that holds no twin of a training sample",
            todo="set samples.order=after-split",
        )
    begun = (folder / STUDY).exists()
    if not begun:  # before anything is written
        check_starts(search.plan, search.space)
    study = open_study(search, folder, resume=resume)
    if begun and len(_counted(study)) < trials:
        check_starts(search.plan, search.space)
    end = math.inf if timeout is None else time.monotonic() + timeout
    for number in range(len(_counted(study)), trials):
        if time.monotonic() >= end:
            break
        # A sampler of its own for each trial: else what a resumed search draws would depend on where it was killed.
        study.sampler = optuna.samplers.TPESampler(seed=(search.plan.recipe.seed + number) % (MOST_SEED + 1))
        trial = study.ask()
        _try(search, study, trial, folder, cache or folder / "cache", machine)
        write_outcome(study, search.plan.recipe, folder)
        if on_trial is not None:
            on_trial(study.trials[trial.number])
    if not any(trial.state is TrialState.COMPLETE for trial in study.trials):
        reasons = [trial.user_attrs["reason"] for trial in study.trials if "reason" in trial.user_attrs]
        raise UsageError(f"none of the trials in {folder} came to an end", found=reasons[0] if reasons else None)
    return study


def open_study(search: Search, folder: Path, *, resume: bool) -> optuna.Study:
    """Make the search's store, or open it and see that it holds the same search."""
    path = folder / STUDY
    if path.exists() and not resume:
        raise OutputError(f"{folder} holds a search already", todo="go on with --resume, or choose another --out")
    try:
        (folder / TRIALS).mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}"),
            study_name="leukolens",
            direction=search.direction,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
            load_if_exists=True,
        )
    except Exception as error:  # whatever SQLAlchemy raises
        raise OutputError(
            f"the store {path} cannot be opened", found=str(error).partition("\n")[0][:200], todo="choose another --out"
        ) from error
    before, now = study.user_attrs.get("search"), search.identity()
    if before is None:
        study.set_user_attr("search", now)
    elif (different := first_difference(before, comparable_start(before, now))) is not None:
        raise OutputError(
            f"{folder} holds another search", found=f"a difference in {different}", todo="choose another --out"
        )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.set_user_attr(INTERRUPTED, [*study.user_attrs.get(INTERRUPTED, []), trial.number])
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def _counted(study: optuna.Study) -> list[FrozenTrial]:
    done = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    broken = study.user_attrs.get(INTERRUPTED, [])
    return [trial for trial in study.trials if trial.state in done and trial.number not in broken]


def _try(
    search: Search, study: optuna.Study, trial: optuna.Trial, folder: Path, cache: Path, machine: Machine | None
) -> None:
    place = folder / TRIALS / f"{trial.number:04d}"
    shutil.rmtree(place, ignore_errors=True)
    state, value, reason = TrialState.FAIL, None, ""
    try:
        value = _run(search, trial, place, cache, machine)
        state = TrialState.COMPLETE
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except OutputError:  # stays unfinished, and is done again once there is space
        raise
    except LeukolensError as error:
        reason = str(error)
    except Exception as error:  # one bad trial must not end the search: done again, it would end it each time
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    finally:
        for name in (LAST, WEIGHTS, "best.ckpt"):
            (place / name).unlink(missing_ok=True)
    if reason:
        trial.set_user_attr("reason", reason[:_REASON])
    study.tell(trial, value, state=state)


def _run(search: Search, trial: optuna.Trial, place: Path, cache: Path, machine: Machine | None) -> float:
    """Train what a trial draws, and return its figure."""
    values = {name: given.draw(trial, name) for name, given in search.space.items()}
    recipe = with_values(search.plan.recipe, values, f"trial {trial.number}")
    place.mkdir(parents=True)
    put_file(place / "recipe.yaml", recipe_text(recipe).encode(), todo="choose another --out")
    sides = fold_sides(replace(search.plan, recipe=recipe), place, cache)
    column = f"val_{search.objective}"
    fit(recipe, sides, place, cache=cache, progress=False, machine=machine, watch=_Watch(trial, column))
    return _value(read_curves(place / CURVES_FILE), column, recipe)


def _value(rows: list[dict[str, float]], column: str, recipe: Recipe) -> float:
    """Return the figure at the epoch that a run of the recipe would end with."""
    if recipe.select == "last":
        return rows[-1][column]
    return min(rows, key=lambda row: row["val_loss"])[column]
