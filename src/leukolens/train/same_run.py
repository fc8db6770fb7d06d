"""Whether what a folder holds is the run that is to go on: its recipe, its data, and what wrote its checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from leukolens import __version__
from leukolens.finding import DataError, OutputError
from leukolens.train.layout import LAST, RUN_FILE, SUMMARY_FILE
from leukolens.train.recipe import Recipe
from leukolens.train.run_files import read_run
from leukolens.train.start import comparable_start

CHECKPOINT_FORMAT: Final = 1
"""Grows by one whenever a checkpoint means something else than before."""


def stamp() -> dict[str, Any]:
    """Return what tells which leukolens wrote a run."""
    return {"leukolens_version": __version__, "checkpoint_format": CHECKPOINT_FORMAT}


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> str | None:
    """Say in which field two nested mappings differ first, and how; None where they are the same.

    A recipe of before is read as it would be today, so that a field that is new since then has its default.
    """
    if path == "recipe":
        old = _today(old)
    for key in [*new, *(key for key in old if key not in new)]:
        ours, theirs = new.get(key), old.get(key)
        place = f"{path}.{key}" if path else str(key)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            if (found := first_difference(theirs, ours, place)) is not None:
                return found
        elif ours != theirs:
            return f"{place}: {_short(theirs)} there, {_short(ours)} now"
    return None


def holds_run(folder: Path, identity: Mapping[str, Any], *, resume: bool) -> bool:
    """Say whether a folder holds a run, and check that it is the same one.

    A run that ended before its first epoch did leaves nothing worth keeping: its folder is taken as if it were empty.

    Parameters
    ----------
    folder
        Of the run.
    identity
        What must be the same, from `leukolens.train.plan.Plan.identity`.
    resume
        Whether to go on with what the folder holds.

    Raises
    ------
    OutputError
        If the folder holds a run and `resume` is not set, or holds another run.
    DataError
        If the folder holds no readable run, or a checkpoint of another recipe or version.
    """
    if not ((folder / RUN_FILE).exists() and any((folder / name).exists() for name in (LAST, SUMMARY_FILE))):
        return False
    if not resume:
        raise OutputError(f"{folder} holds a run already", todo="go on with --resume, or choose another --out")
    finished = (folder / SUMMARY_FILE).exists()
    check_same_run(folder, read_run(folder), identity, None if finished else folder / LAST)
    return True


def check_format(folder: Path, content: Mapping[str, Any]) -> None:
    """See that a finished run means what a run of today means; which version wrote it does not matter.

    Raises
    ------
    DataError
        It has another format.
    """
    if (found := content.get("checkpoint_format", CHECKPOINT_FORMAT)) != CHECKPOINT_FORMAT:
        raise DataError(
            f"the run in {folder} has another format",
            expected=f"checkpoint_format {CHECKPOINT_FORMAT}",
            found=str(found),
            todo="use the leukolens that wrote it, or train anew",
        )


def check_same_run(
    folder: Path, content: Mapping[str, Any], identity: Mapping[str, Any], checkpoint: Path | None
) -> None:
    """Refuse to go on with another run, or with a checkpoint that another leukolens wrote.

    Parameters
    ----------
    folder
        The run's folder.
    content
        What its ``training.json`` says. A stamp or a start that it does not have, since it is from before there was
        one, is right.
    identity
        What the run is to be, see `leukolens.train.plan.Plan.identity`.
    checkpoint
        The checkpoint that would be gone on with; None where the run is finished, and no version matters any more.

    Raises
    ------
    OutputError
        If the run is another; the message says in which field, with both values.
    DataError
        If the checkpoint cannot be read, belongs to another recipe, or was written by another version.
    """
    if (different := first_difference(content["run"], comparable_start(content["run"], identity))) is not None:
        raise OutputError(
            f"{folder} holds another run",
            found=f"a difference in {different}",
            todo="go on with what it was started with, or choose another --out",
        )
    if checkpoint is None:
        return
    told = _told(checkpoint)
    for said, place in ((content, "the run"), (told, checkpoint.name)):
        _check_stamp(folder, said, place)
    if "recipe" in told and (different := first_difference(told, {"recipe": identity["recipe"]} | stamp())) is not None:
        raise DataError(
            f"{checkpoint} is the checkpoint of another recipe",
            found=f"a difference in {different}",
            todo="put the run's own checkpoint back, or train anew in another --out",
        )


def take_along(checkpoint: dict[str, Any], folder: Path) -> None:
    """Let a run that was moved find its best epoch where it is now: a checkpoint keeps whole paths."""
    home = folder.resolve()

    def here(path: str) -> str:
        return str(home / Path(path).name) if path else path

    for key, state in checkpoint["callbacks"].items():
        if key.startswith("ModelCheckpoint"):
            state["dirpath"] = str(home)
            state["best_k_models"] = {here(path): value for path, value in state["best_k_models"].items()}
            for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
                state[name] = here(state[name])


def _check_stamp(folder: Path, said: Mapping[str, Any], place: str) -> None:
    for key, now in stamp().items():
        if said.get(key, now) != now:
            raise DataError(
                f"{place} in {folder} was written by another version",
                expected=f"{key} {now}",
                found=str(said[key]),
                todo="go on with the leukolens that wrote it, or train anew in another --out",
            )


def _told(checkpoint: Path) -> dict[str, Any]:
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        return dict(content.get("leukolens", {}))
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, AttributeError) as error:
        raise DataError(
            f"the checkpoint {checkpoint} cannot be read",
            found=str(error).partition("\n")[0][:120],
            todo="train anew in another --out",
        ) from error


def _today(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return Recipe.model_validate(dict(recipe)).model_dump(mode="json")
    except ValueError:  # no recipe of today: the fields that differ will say so
        return recipe


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
