"""What a search leaves to read: a table of its trials, the best recipe, a picture."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.trial import FrozenTrial, TrialState

from leukolens.finding.output import put_file
from leukolens.train.recipe import Recipe, recipe_text, with_values
from leukolens.train.space import read_drawn

INTERRUPTED: Final = "interrupted"
_TODO: Final = "make space, and go on with --resume"


def write_outcome(study: optuna.Study, recipe: Recipe, folder: Path) -> None:
    """Write ``trials.csv``, ``search.png`` and, once a trial came to an end, ``best.yaml``."""
    put_file(folder / "trials.csv", _table(study).encode(), todo=_TODO)
    if (best := best_recipe(study, recipe)) is not None:
        put_file(folder / "best.yaml", recipe_text(best).encode(), todo=_TODO)
        draw_search(study, folder / "search.png")


def best_recipe(study: optuna.Study, recipe: Recipe) -> Recipe | None:
    """Return the recipe of the best trial, in full; None where no trial came to an end."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    best = study.best_trial
    words = f"Found by leukolens tune from {recipe.name!r}: trial {best.number} of {len(study.trials)}, validation "
    said = {
        "name": f"{recipe.name}-tuned",
        "description": f"{words}{study.user_attrs['search']['objective']} {best.value:.6g}.",
    }
    return with_values(recipe, said | read_drawn(best.params, study.user_attrs["search"]["space"]), "the best trial")


def _table(study: optuna.Study) -> str:
    trials, broken = study.trials, study.user_attrs.get(INTERRUPTED, [])
    fields = list(dict.fromkeys(name for trial in trials for name in trial.params))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["trial", "state", "value", "epochs", "seconds", *fields, "reason"])
    for trial in trials:
        seconds = "" if trial.duration is None else f"{trial.duration.total_seconds():.1f}"
        value = "" if trial.value is None else f"{trial.value:.6g}"
        drawn = read_drawn(trial.params, study.user_attrs["search"]["space"])
        values = [json.dumps(value) if isinstance(value, list | dict) else value for value in map(drawn.get, fields)]
        reason = INTERRUPTED if trial.number in broken else trial.user_attrs.get("reason", "")
        epochs = len(trial.intermediate_values)
        writer.writerow([trial.number, trial.state.name.lower(), value, epochs, seconds, *values, reason])
    return stream.getvalue()


def draw_search(study: optuna.Study, path: Path) -> None:
    """Draw the trials as PNG: how the best went down, and each field against the figure."""
    from matplotlib.figure import Figure

    done = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    names = list(done[0].params)
    columns = min(3, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    label = f"validation {study.user_attrs['search']['objective']}"
    _draw_course(axes[0], study, done, label)
    for place, name in zip(axes[1:], names, strict=False):
        _draw_field(place, done, name, study.user_attrs["search"]["space"][name], label)
    for unused in axes[len(names) + 1 :]:
        unused.set_axis_off()
    figure.savefig(path, dpi=120)


def _draw_course(axes: Any, study: optuna.Study, done: list[FrozenTrial], label: str) -> None:  # noqa: ANN401 - matplotlib's
    better = min if study.direction is optuna.study.StudyDirection.MINIMIZE else max
    values = [float(trial.value or 0.0) for trial in done]
    numbers = [trial.number for trial in done]
    axes.plot(numbers, values, "o", markersize=4, label="trial")
    axes.step(numbers, [better(values[: count + 1]) for count in range(len(values))], where="post", label="best so far")
    for trial in study.trials:
        if trial.state is TrialState.PRUNED:
            axes.axvline(trial.number, color="0.85", linewidth=1, zorder=0)
    axes.set(xlabel="trial (grey: ended early)", ylabel=label)
    axes.legend(frameon=False)


def _draw_field(axes: Any, done: list[FrozenTrial], name: str, given: dict[str, Any], label: str) -> None:  # noqa: ANN401
    points = [(trial.params[name], trial.value) for trial in done if name in trial.params]
    axes.plot(*zip(*points, strict=True), "o", markersize=4)
    if given.get("log"):
        axes.set_xscale("log")
    axes.margins(0.1)
    axes.set(xlabel=name, ylabel=label)
