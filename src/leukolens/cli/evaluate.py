"""``leukolens evaluate``: a bundle and labelled images in, figures one can believe out."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import (
    BundleUmPerPx,
    Data,
    GroupsFile,
    LabelColumn,
    Labels,
    Layout,
    PathColumn,
    UmPerPx,
)
from leukolens.finding import RESEARCH_USE, UsageError

app = new_app()


@app.command(epilog=RESEARCH_USE)
def evaluate(
    bundle: Annotated[str, typer.Argument(help="Name of a shipped model, or a bundle's folder.")],
    data: Data,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for report.html, metrics.json, predictions.csv and pictures; else only printed."),
    ] = None,
    split: Annotated[Path | None, typer.Option(help="Split file; without it, all images are evaluated.")] = None,
    fold: Annotated[int | None, typer.Option(help="Which fold of the split, from 0.", min=0)] = None,
    side: Annotated[str, typer.Option(help="Which side of the fold: test, validation or train.")] = "test",
    groups: GroupsFile = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: Annotated[
        str | None, typer.Option(help="Its column with the patient; intervals are then over patients.")
    ] = None,
    layout: Layout = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(help="A class that means no leukaemia, instead of the bundle's; may be repeated."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability of leukaemia from which on an image counts as leukaemia; 0.5 unless given."),
    ] = None,
    threshold_from: Annotated[
        Path | None,
        typer.Option(help="Choose it on this evaluation of the same model, of --side validation, instead."),
    ] = None,
    keep_sensitivity: Annotated[
        float | None,
        typer.Option(help="The sensitivity that the threshold chosen by --threshold-from keeps there; else 0.99."),
    ] = None,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(help="Share of leukaemia at which PPV and NPV are told; may be repeated. Else 0.01, 0.05, 0.2."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Evaluation of another model on the same images, to be tested against; may be repeated."),
    ] = None,
    by_patient: Annotated[
        bool, typer.Option("--patient-level/--no-patient-level", help="Also decide for each patient, where known.")
    ] = True,
    require: Annotated[
        list[str] | None,
        typer.Option(help="What must be reached, such as accuracy=0.99 or recall.Pre-B.low=0.97; may be repeated."),
    ] = None,
    stress: Annotated[
        str | None, typer.Option(help="Also perturb the images: all, or names such as grey,bar-masked.")
    ] = None,
    um_per_px: UmPerPx = None,
    bundle_um_per_px: BundleUmPerPx = None,
    engine: Annotated[str, typer.Option(help="auto, openvino or onnxruntime; always in 32-bit floats.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Cores to use; those there are, at most 16.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 88,
    reason: Annotated[
        str | None, typer.Option(help="Why these images are looked at; kept in the log of decisions beside the split.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an evaluation in --out.")] = False,
) -> int:
    """Measure a model bundle on labelled images: every figure with a 95 % interval, and the kind of split it is from.

    Exit code 1 when some images could not be read, 4 when a requirement is not met.
    """
    if overwrite and out is None:
        raise UsageError("--overwrite says nothing without --out", todo="name the folder with --out")
    if threshold is not None and threshold_from is not None:
        raise UsageError("--threshold and --threshold-from both fix the threshold", todo="give one of them")
    if keep_sensitivity is not None and threshold_from is None:
        raise UsageError("--keep-sensitivity says nothing without --threshold-from")
    from leukolens.cli.evaluate_request import Request
    from leukolens.cli.evaluate_run import run

    return run(
        Request(
            bundle=bundle,
            data=data,
            out=out,
            split=split,
            fold=fold,
            side=side,
            groups=groups,
            labels=labels,
            label_column=label_column,
            path_column=path_column,
            patient_column=patient_column,
            negative=tuple(negative or ()),
            threshold=threshold,
            threshold_from=threshold_from,
            keep_sensitivity=keep_sensitivity,
            prevalence=tuple(prevalence or ()),
            against=tuple(against or ()),
            by_patient=by_patient,
            require=tuple(require or ()),
            stress=stress,
            engine=engine,
            threads=threads,
            seed=seed,
            overwrite=overwrite,
            reason=reason,
            layout=layout,
            um_per_px=um_per_px,
            bundle_um_per_px=bundle_um_per_px,
        )
    )
