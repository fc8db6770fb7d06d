"""The steps of ``leukolens preprocess``: which preparation, the fit, the pictures, the page."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from leukolens.cli.screen_run import progress_bar
from leukolens.finding import ImageError, OutputError, UsageError
from leukolens.finding.output import probe_folder, put_file
from leukolens.finding.paths import plain
from leukolens.smear.fitting import fit_preparation, needs_fitting
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import read_image
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans
from leukolens.smear.steps import parse_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from leukolens.screen.inputs import Input

PAGE: Final = "preprocess.html"
RECORD: Final = "preprocess.json"
FIT_MOST: Final = 200
_TODO: Final = "choose another --out, or make room"


@dataclass(frozen=True)
class Plan:
    """What is to be prepared, how, and what to fit on; `fit_on` None fits on the inputs."""

    inputs: list[Input]
    preparation: Preparation
    aspect: float | None
    fit_on: Path | None


@dataclass
class Outcome:
    """What was done: rows of the record, the times of each stage, and what could not be read."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)


def preparation_of(steps: str | None, *, stretch: bool, keep_marks: bool) -> Preparation:
    """Return the preparation of options.

    Raises
    ------
    UsageError
        An unknown step, with the nearest name.
    """
    names = ["segment-kmeans"] if steps is None else [name.strip() for name in steps.split(",") if name.strip()]
    shape: dict[str, Any] = {"width": 224, "height": 224, "shape": "stretch", "squeeze": "none"} if stretch else {}
    chosen = tuple(parse_step({"kind": name}) for name in names)
    return Preparation(paint_out_marks=not keep_marks, steps=chosen, **shape)


def preparation_of_recipe(name: str) -> Preparation:
    """Return the preparation of a recipe.

    Raises
    ------
    UsageError
        There is no such recipe, it is wrong, or what reads it is not installed.
    """
    try:
        from leukolens.train.recipe import load_recipe
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--recipe needs leukolens[train]: {error.name} is not installed",
            todo="run: pip install 'leukolens[train]', or name steps with --steps",
        ) from error
    return load_recipe(name).preparation


def open_folder(out: Path, count: int, *, overwrite: bool) -> None:
    """Make the folder, or take what an earlier run wrote out of it.

    Raises
    ------
    OutputError
        It holds something and `overwrite` is not set, or it cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        if not overwrite:
            raise OutputError(
                f"The folder {str(out)!r} holds something already", todo="add --overwrite, or choose another --out"
            )
        _remove_earlier(out)
    probe_folder(out, 1_000_000 * count)


def fit(plan: Plan) -> tuple[Preparation, str]:
    """Fit what needs it.

    Returns
    -------
    preparation : Preparation
        Ready to be applied.
    fitted_on : str
        On what, in words; empty where nothing had to be fitted.

    Raises
    ------
    UsageError
        None of the pictures can be read, or nothing can be measured on them.
    """
    if not needs_fitting(plan.preparation):
        return plan.preparation, ""
    from leukolens.screen.inputs import list_inputs

    inputs = plan.inputs if plan.fit_on is None else list_inputs([plan.fit_on])
    places = np.unique(np.linspace(0, len(inputs) - 1, min(FIT_MOST, len(inputs))).round().astype(int))
    read: list[str] = []

    def readable() -> Iterator[NDArray[np.uint8]]:
        for place in places:
            try:
                pixels = read_image(inputs[place].path).pixels
            except ImageError:
                continue  # an input is told of when its turn comes
            read.append(inputs[place].source)
            yield pixels

    try:
        fitted = fit_preparation(plan.preparation, readable(), aspect=plan.aspect)
    except ImageError as error:
        raise UsageError(f"the steps cannot be fitted: {error}", todo="name better pictures with --fit-on") from error
    where = "the inputs themselves" if plan.fit_on is None else f"the folder {plain(str(plan.fit_on))}"
    return fitted, f"{where}, {len(read)} {'picture' if len(read) == 1 else 'pictures'}"


def write_walkthrough(plan: Plan, out: Path, shown: int) -> int:
    """Write the stages of every picture, the page and the record.

    Returns
    -------
    int
        The exit code.
    """
    from leukolens.cli.preprocess_tell import tell
    from leukolens.report.stages import stages_of
    from leukolens.report.walkthrough import Strip, Walkthrough, make_strip, milliseconds
    from leukolens.report.walkthrough import write_walkthrough as page

    preparation, fitted_on = fit(plan)
    strips: list[Strip] = []

    def one(name: str, source: str, pixels: NDArray[np.uint8]) -> tuple[list[str], dict[str, float]]:
        stages = stages_of(pixels, preparation, aspect=plan.aspect)
        folder = f"pictures/{name}"
        (out / folder).mkdir(parents=True, exist_ok=True)
        files = [f"{folder}/{place:02d}-{stage.name}.png" for place, stage in enumerate(stages, start=1)]
        for file, stage in zip(files, stages, strict=True):
            _write_png(out / file, stage.picture)
        if len(strips) < shown:
            strips.append(make_strip(source, folder, stages))
        return files, {stage.name: stage.seconds for stage in stages if stage.seconds is not None}

    done = _each(plan, one)
    about = Walkthrough(
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z").strip(),
        steps=tuple(step.kind for step in preparation.steps),
        fitted_on=fitted_on,
        pictures=len(done.rows) - len(done.errors),
        medians=tuple((name, milliseconds(statistics.median(times))) for name, times in done.times.items()),
        errors=tuple(done.errors),
    )
    put_file(out / PAGE, page(strips, about), todo=_TODO)
    _write_record(out, replace(plan, preparation=preparation), fitted_on, done)
    tell(done, fitted_on, out)
    return 1 if done.errors else 0


def write_masks(plan: Plan, out: Path) -> int:
    """Write the mask of every picture, and the record.

    Returns
    -------
    int
        The exit code.
    """
    from leukolens.cli.preprocess_tell import tell
    from leukolens.report.stages import mask_of

    preparation, fitted_on = fit(plan)

    def one(name: str, source: str, pixels: NDArray[np.uint8]) -> tuple[list[str], dict[str, float]]:  # noqa: ARG001
        mask = mask_of(pixels, preparation, aspect=plan.aspect)
        _write_png(out / f"{name}.png", mask.astype(np.uint8) * np.uint8(255))
        return [f"{name}.png"], {}

    done = _each(plan, one)
    _write_record(out, replace(plan, preparation=preparation), fitted_on, done)
    tell(done, fitted_on, out)
    return 1 if done.errors else 0


def check_masks(preparation: Preparation) -> None:
    """See that there is a mask to be written.

    Raises
    ------
    UsageError
        No step is a segmentation.
    """
    if not any(isinstance(step, (SegmentKMeans, SegmentHSV)) for step in preparation.steps):
        raise UsageError(
            "--masks needs a segmentation among the steps",
            found=", ".join(step.kind for step in preparation.steps) or "none",
            todo="add segment-kmeans or segment-hsv",
        )


def _each(plan: Plan, one: Callable[[str, str, NDArray[np.uint8]], tuple[list[str], dict[str, float]]]) -> Outcome:
    """Read each input and do with it what `one` says; go on after one that cannot be read."""
    done = Outcome()
    with progress_bar("Preparing", len(plan.inputs)) as advance:
        for number, item in enumerate(plan.inputs, start=1):
            row: dict[str, Any] = {"source": item.source}
            try:
                files, seconds = one(_file_name(number, item.source), item.source, read_image(item.path).pixels)
            except ImageError as error:
                done.errors.append((item.source, str(error)))
                row |= {"status": "error", "reason": str(error)}
            else:
                row |= {"status": "ok", "files": files, "seconds": seconds}
                for name, value in seconds.items():
                    done.times.setdefault(name, []).append(value)
            done.rows.append(row)
            advance()
    return done


def _file_name(number: int, source: str) -> str:
    """Return a name that any file system takes, and that no other input has."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(source).stem)[:60].strip("._")
    return f"{number:04d}-{stem}" if stem else f"{number:04d}"


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    _, coded = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    put_file(path, coded.tobytes(), todo=_TODO)


def _write_record(out: Path, plan: Plan, fitted_on: str, done: Outcome) -> None:
    from leukolens.data.run_manifest import run_manifest

    preparation = plan.preparation.model_dump(mode="json")
    record = {
        "preparation": preparation,
        "fitted_on": fitted_on or None,
        "pictures": done.rows,
        "manifest": run_manifest("preprocess", {"preparation": preparation, "aspect": plan.aspect}, None, None),
    }
    put_file(out / RECORD, (json.dumps(record, indent=2) + "\n").encode(), todo=_TODO)


def _remove_earlier(out: Path) -> None:
    """Remove the pictures that an earlier run says it wrote here, and nothing else."""
    try:
        rows: Sequence[dict[str, Any]] = json.loads((out / RECORD).read_text("utf-8"))["pictures"]
        files = [str(file) for row in rows for file in row.get("files", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for file in files:
        parts = PurePath(file).parts
        if file.endswith(".png") and not PurePath(file).is_absolute() and ".." not in parts:
            (out / file).unlink(missing_ok=True)
            folder = (out / file).parent
            if folder != out and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    (out / PAGE).unlink(missing_ok=True)
