"""``leukolens export``: a finished run in, a bundle out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from leukolens.cli.console import error_console, new_app
from leukolens.cli.train_options import Reason
from leukolens.finding import RESEARCH_USE, DataError, UsageError

app = new_app()

_AS_TRAINED = "As in training, if not given."


@app.command(epilog=RESEARCH_USE)
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, see `leukolens train`.")],
    out: Annotated[
        Path | None, typer.Option(help="The bundle's folder; must not hold anything. RUN/bundle, if not given.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The bundle's name: a-z, 0-9, '.', '_', '-'. Made from RUN, if not given.")
    ] = None,
    version: Annotated[str, typer.Option(help="The bundle's version.")] = "0.1.0",
    licence: Annotated[str, typer.Option(help="SPDX name of the licence of the weights.")] = "Apache-2.0",
    terms: Annotated[str, typer.Option(help="Terms of the data that it was trained on.")] = "",
    citation: Annotated[list[str] | None, typer.Option(help="What to cite; may be repeated.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared pictures, as in training.")] = None,
    data: Annotated[Path | None, typer.Option(help=f"The images. {_AS_TRAINED}")] = None,
    split: Annotated[Path | None, typer.Option(help=f"The split file. {_AS_TRAINED}")] = None,
    labels: Annotated[Path | None, typer.Option(help=f"CSV file with the labels. {_AS_TRAINED}")] = None,
    label_column: Annotated[str | None, typer.Option(help=f"Its column with the class. {_AS_TRAINED}")] = None,
    path_column: Annotated[str | None, typer.Option(help=f"Its column with the path. {_AS_TRAINED}")] = None,
    patient_column: Annotated[str | None, typer.Option(help=f"Its column with the patient. {_AS_TRAINED}")] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help=f"A class that means no leukaemia; may be repeated. {_AS_TRAINED}")
    ] = None,
    reason: Reason = None,
) -> None:
    """Write a trained run as a bundle (ONNX, statistics, card, sums)."""
    from leukolens.assess.held_out import held_out_figures
    from leukolens.assess.looks import record_run_opening
    from leukolens.data.catalogue import fingerprint
    from leukolens.data.layouts import open_catalogue
    from leukolens.data.verify import read_split
    from leukolens.engine.bundle import claim_bundle_folder
    from leukolens.engine.spec import check_bundle_name
    from leukolens.train.export import export_run
    from leukolens.train.run_files import read_source

    out = out or run / "bundle"
    name = name or re.sub(r"[^a-z0-9._-]+", "-", run.resolve().name.lower()).strip("._-")
    check_bundle_name(name, version)
    if run.is_dir():
        claim_bundle_folder(out)
    given = {
        "data": data,
        "split": split,
        "labels": labels,
        "label_column": label_column,
        "path_column": path_column,
        "patient_column": patient_column,
        "negative": negative,
    }
    source = read_source(run) | {key: value for key, value in given.items() if value is not None}
    catalogue = fingerprint(open_catalogue(_path(source, "data"), **_columns(source)))
    parts = read_split(_path(source, "split"), catalogue)
    figures = held_out_figures(run, catalogue, catalogue.classes)
    openings = None
    if "test" in figures:
        openings = record_run_opening(run, figures, "export", split_file=_path(source, "split"), reason=reason)
    spec = export_run(
        run,
        catalogue,
        parts,
        out,
        name=name,
        version=version,
        licence=licence,
        terms=terms,
        citations=tuple(citation or ()),
        figures=figures,
        test_openings=None if openings is None else openings.as_json(),
        cache=cache,
    )
    if openings is not None:
        error_console().print(openings.sentence, markup=False, soft_wrap=True)
    error_console().print(f"wrote {spec.name} {spec.version} to {out}")


def _path(source: dict[str, Any], key: str) -> Path:
    if source.get(key) is None:
        raise UsageError(f"the run does not say where its {key} lies", todo=f"say it with --{key}")
    path = Path(source[key])
    if not path.exists():
        raise DataError(f"{str(path)!r}, the {key} of the run, is not there", todo=f"say where it is with --{key}")
    return path


def _columns(source: dict[str, Any]) -> dict[str, Any]:
    options = {key: source.get(key) for key in ("labels", "patient_column", "layout", "negative")}
    options["labels"] = Path(options["labels"]) if options["labels"] is not None else None
    return options | {key: source[key] for key in ("label_column", "path_column") if source.get(key) is not None}
