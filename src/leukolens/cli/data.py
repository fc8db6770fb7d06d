"""``leukolens data``: check, fetch and split data sets."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leukolens.cli.console import error_console, new_app, output_console
from leukolens.cli.dataset_options import (
    Data,
    GroupsFile,
    LabelColumn,
    Labels,
    LaboratoryColumn,
    Layout,
    Negative,
    PathColumn,
    PatientColumn,
)
from leukolens.finding import RESEARCH_USE, OutputError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leukolens.data import Catalogue

app = new_app()

_SHOWN = 10


@app.command(epilog=RESEARCH_USE)
def check(
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Folder for manifest.csv and check.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    layout: Layout = None,
    negative: Negative = None,
) -> None:
    """Read every image: unreadable files, sizes, class counts, exact duplicates, and a manifest with SHA-256.

    Exit code 1 when some files cannot be read.
    """
    from leukolens.cli.data_tables import show_check
    from leukolens.cli.progress import counting
    from leukolens.data.check import check_data, prepare_folder, write_check

    catalogue = _open(data, labels, label_column, path_column, patient_column, negative, layout)
    if out is not None:
        prepare_folder(out, len(catalogue))
    with counting("Reading", len(catalogue)) as advance:
        result, entries = check_data(catalogue, progress=advance)
    written = write_check(result, entries, out) if out is not None else []
    if as_json:
        sys.stdout.write(result.to_json())
    else:
        show_check(output_console(), result, limit=_SHOWN)
        for file in written:
            output_console().print(f"Wrote {file}", markup=False, soft_wrap=True)
    raise typer.Exit(1 if result.unreadable else 0)


@app.command(epilog=RESEARCH_USE)
def split(
    data: Data,
    out: Annotated[Path, typer.Option(help="The split file to write.")],
    method: Annotated[
        str, typer.Option(help="random-image, stratified, patient, grouped, blocks or leave-one-laboratory-out.")
    ],
    groups: GroupsFile = None,
    folds: Annotated[
        int | None, typer.Option(help="Number of folds; 1 holds one part out; one a laboratory.", show_default="5")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random order.")] = 88,
    validation: Annotated[str, typer.Option(help="Share of the rest that validates, such as 0.15, or none.")] = "none",
    embargo: Annotated[int, typer.Option(help="blocks: files left out on either side of a held-out block.")] = 0,
    test_share: Annotated[float, typer.Option(help="Share to hold out with --folds 1.")] = 0.2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    laboratory_column: LaboratoryColumn = None,
    layout: Layout = None,
) -> None:
    """Divide a data set into training, validation and test, and write the division as a file.

    Exact duplicates never stand on two sides; with --groups, captures of one field do not either, save in random-image.
    """
    from leukolens.cli.data_tables import show_split
    from leukolens.cli.progress import counting
    from leukolens.data.catalogue import fingerprint
    from leukolens.data.groups import read_groups
    from leukolens.data.split import METHODS, try_place, write_split
    from leukolens.data.splitting import FOLDS, make_split

    known = {name: name for name in METHODS}
    if method not in known:
        raise UsageError(f"There is no method {method!r} to split by", todo=nearest(method, known))
    share = _share(validation)
    _free(out, overwrite)
    catalogue = _open(data, labels, label_column, path_column, patient_column, None, layout, laboratory_column)
    try_place(out, len(catalogue), folds or FOLDS)
    with counting("Hashing", len(catalogue)) as advance:
        catalogue = fingerprint(catalogue, progress=advance)
    recovered = None if groups is None else read_groups(groups, catalogue)
    made = make_split(
        catalogue,
        method=known[method],
        folds=folds,
        seed=seed,
        validation=share,
        embargo=embargo,
        test_share=test_share,
        recovered=recovered,
    )
    write_split(made, out)
    show_split(output_console(), made, recovered)
    output_console().print(f"Wrote {out}", markup=False, soft_wrap=True)


@app.command(epilog=RESEARCH_USE)
def get(
    name: Annotated[str, typer.Argument(help="Which data set: taleqani.")],
    to: Annotated[Path, typer.Option(help="Folder to put it into.")] = Path("taleqani"),
) -> None:
    """Fetch a data set with your own access, or say what to fetch and where to put it (exit code 2).

    Access is looked for where Kaggle's own programs look: KAGGLE_API_TOKEN, KAGGLE_USERNAME and KAGGLE_KEY,
    kaggle.json in ~/.kaggle.
    """
    from leukolens.data.kaggle import AccessError, find_access
    from leukolens.data.taleqani import ARCHIVE_URL, get_taleqani, instructions

    if name != "taleqani":
        raise UsageError(f"There is no data set {name!r} to fetch", todo=nearest(name, ["taleqani"]))
    try:
        with _byte_progress("Fetching") as advance:
            catalogue = get_taleqani(to, find_access(), url=ARCHIVE_URL, progress=advance)
    except AccessError as error:
        sys.stderr.write(f"Error: {error}\n\n{instructions(to.absolute())}")
        raise typer.Exit(error.exit_code) from error
    counts = ", ".join(f"{n} {label}" for label, n in catalogue.counts().items())
    output_console().print(f"{to} holds the whole data set: {counts}.", markup=False, soft_wrap=True)


@app.command(epilog=RESEARCH_USE)
def log(
    place: Annotated[Path, typer.Argument(help="A split file, a folder of a run or an evaluation, or a log.")],
    result: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of an evaluation, run or bundle whose look must be in the log; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print lines and faults as JSON and nothing else.")] = False,
) -> None:
    """Show who looked at which held-out images, when, and check that the log is whole.

    Exit code 4 when its chain is broken, or a result's line is not in it.
    """
    from leukolens.cli.data_log import show_log

    show_log(place, result or [], as_json=as_json)


def _open(
    data: Path,
    labels: Path | None,
    label_column: str,
    path_column: str,
    patient_column: str | None,
    negative: list[str] | None,
    layout: str | None,
    laboratory_column: str | None = None,
) -> Catalogue:
    from leukolens.data.layouts import open_catalogue

    return open_catalogue(
        data,
        labels=labels,
        label_column=label_column,
        path_column=path_column,
        patient_column=patient_column,
        laboratory_column=laboratory_column,
        negative=negative or None,
        layout=layout,
    )


def _share(text: str) -> float | Literal["none"]:
    if text == "none":
        return "none"
    try:
        return float(text)
    except ValueError as error:
        raise UsageError("--validation", expected="a share such as 0.15, or 'none'", found=repr(text)) from error


def _free(out: Path, overwrite: bool) -> None:
    """See before the work that nothing is written over unasked."""
    if out.exists() and not (overwrite and out.is_file()):
        raise OutputError(f"{str(out)!r} exists", todo="choose another name, or replace a file with --overwrite")


@contextmanager
def _byte_progress(what: str) -> Iterator[Callable[[int, int | None], None] | None]:
    console = error_console()
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
