"""The steps of ``leukolens preprocess``: which preparation, which pictures, and what is made of them."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from leukolens.cli.preprocess_fit import Fitted, reason_of
from leukolens.cli.preprocess_folder import PAGE, PICTURES, RECORD, REMEDY, claim_folder, own_files, write_record
from leukolens.cli.screen_run import progress_bar
from leukolens.finding import ImageError, UsageError
from leukolens.finding.output import put_file
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import read_image
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans
from leukolens.smear.steps import parse_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from leukolens.report.stages import Stage
    from leukolens.screen.inputs import Input
    from leukolens.smear.steps import Segmentation

    Work = Callable[[str, str, NDArray[np.uint8]], tuple[list[str], dict[str, float]]]

INSTALL: Final = (
    "run: pip install 'leukolens[train]', or in a clone: pip install '.[train]'; or name steps with --steps"
)


@dataclass(frozen=True)
class Plan:
    """What is to be done: the pictures, the fitted preparation, the segmentation of the second training sample."""

    inputs: list[Input]
    fitted: Fitted
    second: Segmentation | None
    aspect: float | None


@dataclass
class Outcome:
    """What was done: rows of the record, times of each stage, pictures of untold dyes, and what could not be read."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
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


def preparation_of_recipe(name: str) -> tuple[Preparation, Segmentation | None]:
    """Return the preparation of a recipe, and how it cuts out the second training sample, where it has one.

    Raises
    ------
    UsageError
        There is no such recipe, it is wrong, or what reads it is not installed.
    """
    try:
        from leukolens.train.recipe import load_recipe
    except ModuleNotFoundError as error:
        raise UsageError(f"--recipe needs leukolens[train]: {error.name} is not installed", todo=INSTALL) from error
    recipe = load_recipe(name)
    return recipe.preparation, recipe.samples.segmentation if "segmented" in recipe.samples.views else None


def inputs_of(names: Sequence[str], stdin: IO[bytes], out: Path) -> list[Input]:
    """List the inputs; what a run wrote into its folder is none, wherever that folder lies.

    Raises
    ------
    UsageError
        Something named is not there, or nothing is left.
    """
    from leukolens.screen.inputs import list_inputs

    own = own_files(out)
    found = list_inputs(names, stdin, purpose="prepare", without=out)
    kept = [item for item in found if item.path.resolve() not in own]
    if not kept:
        raise UsageError(f"nothing to prepare but what an earlier run wrote into {out}", todo="name other pictures")
    return kept


def write_walkthrough(plan: Plan, out: Path, shown: int) -> int:
    """Write the stages of every picture, the page and the record.

    Returns
    -------
    int
        The exit code.
    """
    from leukolens.report.stages import stages_of
    from leukolens.report.walkthrough import Strip, make_strip

    strips: list[Strip] = []
    untold: set[str] = set()

    def stages(pixels: NDArray[np.uint8]) -> list[Stage]:
        return stages_of(pixels, plan.fitted.preparation, second=plan.second, aspect=plan.aspect)

    def one(name: str, source: str, pixels: NDArray[np.uint8]) -> tuple[list[str], dict[str, float]]:
        made = stages(pixels)
        folder = f"{PICTURES}/{name}"
        (out / folder).mkdir(parents=True, exist_ok=True)
        files = [f"{folder}/{place:02d}-{stage.name}.png" for place, stage in enumerate(made, start=1)]
        for file, stage in zip(files, made, strict=True):
            _write_png(out / file, stage.picture)
        if not all(stage.told for stage in made):
            untold.add(source)
        if len(strips) < shown:
            strips.append(make_strip(source, folder, made))
        return files, {stage.name: stage.seconds for stage in made if stage.seconds is not None}

    names = _file_names(plan.inputs)
    rows = [
        {"source": item.source, "folder": f"{PICTURES}/{name}"} for item, name in zip(plan.inputs, names, strict=True)
    ]
    claim_folder(out, rows)
    done = _each(plan, names, one, stages)
    done.untold = untold
    put_file(out / PAGE, _page(plan, done, strips), todo=REMEDY)
    return _finish(plan, done, out, [PAGE, RECORD, *([PICTURES] if len(done.rows) > len(done.errors) else [])])


def write_masks(plan: Plan, out: Path) -> int:
    """Write the mask of every picture, and the record.

    Returns
    -------
    int
        The exit code.
    """
    from leukolens.report.stages import mask_of

    def one(name: str, source: str, pixels: NDArray[np.uint8]) -> tuple[list[str], dict[str, float]]:  # noqa: ARG001
        mask = mask_of(pixels, plan.fitted.preparation, second=plan.second, aspect=plan.aspect)
        _write_png(out / f"{name}.png", mask.astype(np.uint8) * np.uint8(255))
        return [f"{name}.png"], {}

    names = _file_names(plan.inputs)
    claim_folder(
        out, [{"source": item.source, "files": [f"{name}.png"]} for item, name in zip(plan.inputs, names, strict=True)]
    )
    done = _each(plan, names, one)
    count = len(done.rows) - len(done.errors)
    return _finish(plan, done, out, [f"{count} {'mask' if count == 1 else 'masks'}", RECORD])


def check_masks(preparation: Preparation, second: Segmentation | None) -> None:
    """See that there is a mask to be written.

    Raises
    ------
    UsageError
        No step is a segmentation, and there is no second sample.
    """
    if second is None and not any(isinstance(step, (SegmentKMeans, SegmentHSV)) for step in preparation.steps):
        raise UsageError(
            "--masks needs a segmentation among the steps",
            found=", ".join(step.kind for step in preparation.steps) or "none",
            todo="add segment-kmeans or segment-hsv",
        )


def _each(
    plan: Plan, names: Sequence[str], one: Work, first: Callable[[NDArray[np.uint8]], object] | None = None
) -> Outcome:
    """Read each input and do with it what `one` says; go on after one that cannot be read.

    `first` is done with the first picture before: what a library loads at its first call is no time of a step.
    """
    done = Outcome()
    with progress_bar("Preparing", len(plan.inputs)) as advance:
        for item, name in zip(plan.inputs, names, strict=True):
            row: dict[str, Any] = {"source": item.source}
            try:
                pixels = read_image(item.path).pixels
                if first is not None and not done.times:
                    first(pixels)
                files, seconds = one(name, item.source, pixels)
            except ImageError as error:
                reason = reason_of(error, item.path)
                done.errors.append((item.source, reason))
                row |= {"status": "error", "reason": reason}
            else:
                row |= {"status": "ok", "files": files, "seconds": seconds}
                for stage, value in seconds.items():
                    done.times.setdefault(stage, []).append(value)
            done.rows.append(row)
            advance()
    return done


def _page(plan: Plan, done: Outcome, strips: Sequence[Any]) -> bytes:
    from leukolens.report.walkthrough import Walkthrough, milliseconds, write_walkthrough

    about = Walkthrough(
        created=datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z").strip(),
        steps=tuple(step.kind for step in plan.fitted.preparation.steps),
        second="" if plan.second is None else plan.second.kind,
        fitted_on=plan.fitted.on,
        pictures=len(done.rows) - len(done.errors),
        notes=notes_of(plan, done),
        medians=tuple((name, milliseconds(statistics.median(times))) for name, times in done.times.items()),
        threads=cv2.getNumThreads(),
        errors=(*done.errors, *plan.fitted.left_out),
    )
    return write_walkthrough(strips, about)


def notes_of(plan: Plan, done: Outcome) -> tuple[str, ...]:
    """Return what a reader has to know beside the pictures, in sentences."""
    if not done.untold:
        return plan.fitted.notes
    count = f"In {len(done.untold)} of {len(done.rows) - len(done.errors)} pictures two dyes could not be told apart"
    return (*plan.fitted.notes, f"{count}: only their background was brought to that of the reference.")


def _finish(plan: Plan, done: Outcome, out: Path, wrote: Sequence[str]) -> int:
    """Write the record, tell, and return the exit code."""
    from leukolens.cli.preprocess_tell import tell
    from leukolens.data.run_manifest import run_manifest

    chosen = {
        "preparation": plan.fitted.preparation.model_dump(mode="json"),
        "second_sample": None if plan.second is None else plan.second.model_dump(mode="json"),
    }
    notes = notes_of(plan, done)
    write_record(
        out,
        {
            "status": "done",
            **chosen,
            "fitted_on": plan.fitted.on or None,
            "fit_left_out": [{"source": source, "reason": reason} for source, reason in plan.fitted.left_out],
            "notes": notes,
            "pictures": done.rows,
            "manifest": run_manifest("preprocess", {**chosen, "aspect": plan.aspect}, None, None),
        },
    )
    tell(done, plan.fitted, notes, out, wrote)
    return 1 if done.errors or plan.fitted.left_out else 0


def _file_names(inputs: Sequence[Input]) -> list[str]:
    return [_file_name(number, item.source) for number, item in enumerate(inputs, start=1)]


def _file_name(number: int, source: str) -> str:
    """Return a name that any file system takes, and that no other input has."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePath(source).stem)[:60].strip("._")
    return f"{number:04d}-{stem}" if stem else f"{number:04d}"


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    _, coded = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    put_file(path, coded.tobytes(), todo=REMEDY)
