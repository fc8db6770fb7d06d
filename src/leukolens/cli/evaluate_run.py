"""The steps of ``leukolens evaluate``: all that can fail early first, then the images, then the files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from leukolens.assess.about import describe
from leukolens.assess.against import check_images, check_names
from leukolens.assess.evaluation import Evaluation, Settings, figure_names
from leukolens.assess.judging import check_classes, evaluate
from leukolens.assess.looks import record_look
from leukolens.assess.output import claim_folder, write_evaluation
from leukolens.assess.past import read_evaluation
from leukolens.assess.perturbed import choose_stresses
from leukolens.assess.pipeline import BundlePredictor
from leukolens.assess.prevalence import PREVALENCES, check_prevalences
from leukolens.assess.provenance import Selection, select
from leukolens.assess.requirements import Checked, check_requirements, parse_requirements
from leukolens.assess.rescaling import Rescaling, describe_scale, parse_scale, sites_of
from leukolens.assess.results import find_warnings
from leukolens.assess.scores import THRESHOLD
from leukolens.assess.seen import images_sha256, judge_training
from leukolens.assess.tables import predictions_csv
from leukolens.assess.thresholds import check_threshold
from leukolens.cli.evaluate_request import Request, command_line
from leukolens.cli.evaluate_steps import fix_threshold, picture_reader, set_against
from leukolens.cli.evaluate_tell import tell
from leukolens.cli.progress import counting
from leukolens.data import Catalogue, Split, catalogue_sha256, fingerprint, open_catalogue, read_groups, read_split
from leukolens.data.catalogue import sha256_of
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import CheckFailedError
from leukolens.screen import Screener, load
from leukolens.smear.perturb import STRESSES


@dataclass(frozen=True)
class _Material:
    """What the evaluation works on."""

    screener: Screener
    catalogue: Catalogue
    split: Split | None
    selection: Selection


def run(request: Request) -> int:
    """Evaluate, write everything where there is a place for it, and print the figures.

    Parameters
    ----------
    request
        The options.

    Returns
    -------
    int
        Exit code: 0, or 1 where some images could not be read.

    Raises
    ------
    CheckFailedError
        A requirement is not met; the files are written all the same.
    LeukolensError
        Anything else that cannot go on, most of it before the first image is judged.
    """
    stresses = choose_stresses(request.stress, STRESSES)
    prevalences = check_prevalences(request.prevalence) or PREVALENCES
    stated = check_threshold(THRESHOLD if request.threshold is None else request.threshold)
    others = [read_evaluation(folder) for folder in request.against]
    check_names(others)
    if request.out is not None:
        claim_folder(request.out, overwrite=request.overwrite)
    screener = load(request.bundle, engine=request.engine, threads=request.threads, only="field")
    catalogue = _open(request)
    classes = screener.bundle.field.labels
    check_classes(classes, catalogue)
    settings = Settings(
        negative_classes=_negative(request, screener, catalogue),
        threshold=stated,
        prevalences=prevalences,
        by_patient=request.by_patient,
        seed=request.seed,
    )
    names = figure_names(
        classes,
        settings.negative_classes,
        list(stresses),
        prevalences=prevalences,
        patients=request.by_patient and any(item.patient is not None for item in catalogue.items),
        novelty=screener.bundle.field.novelty is not None,
    )
    requirements = parse_requirements(request.require, names)
    rescaling = _rescaling(request, screener, catalogue)
    material = _prepare(request, screener, catalogue)
    chosen = [sha256_of(material.catalogue.items[index]) for index in material.selection.indices]
    for other in others:
        check_images(other, chosen)
    settings = fix_threshold(request, settings, screener.bundle.sha256, chosen)
    with counting("Evaluating", len(material.selection.indices)) as advance:
        evaluation = evaluate(
            BundlePredictor(screener, rescaling),
            material.catalogue,
            material.selection,
            settings=settings,
            stresses=stresses,
            limits=screener.limits,
            progress=advance,
        )
    evaluation = set_against(evaluation, material.catalogue, others)
    checked = check_requirements(requirements, evaluation.figures())
    _finish(request, material, evaluation, checked, describe_scale(rescaling, len(evaluation.items)))
    unmet = [one for one in checked if not one.met]
    if unmet:
        raise _not_met(unmet)
    return 1 if evaluation.unread else 0


def _open(request: Request) -> Catalogue:
    return open_catalogue(
        request.data,
        labels=request.labels,
        label_column=request.label_column,
        path_column=request.path_column,
        patient_column=request.patient_column,
        negative=None,
        layout=request.layout,
    )


def _rescaling(request: Request, screener: Screener, catalogue: Catalogue) -> Rescaling | None:
    asked, said = parse_scale(request.um_per_px)
    if not asked:
        return None
    return Rescaling(screener.bundle.field, sites_of(catalogue), said=said, target=request.bundle_um_per_px)


def _negative(request: Request, screener: Screener, catalogue: Catalogue) -> tuple[str, ...]:
    return request.negative or screener.bundle.field.negative_labels or catalogue.negative or ()


def _prepare(request: Request, screener: Screener, catalogue: Catalogue) -> _Material:
    with counting("Hashing", len(catalogue)) as advance:
        catalogue = fingerprint(catalogue, progress=advance)
    split = None if request.split is None else read_split(request.split, catalogue)
    recovered = None if request.groups is None else read_groups(request.groups, catalogue)
    selection = select(catalogue, split, request.fold, request.side, recovered)
    return _Material(screener, catalogue, split, selection)


def _finish(request: Request, material: _Material, evaluation: Evaluation, checked: list[Checked], scale: str) -> None:
    bundle = material.screener.bundle
    hashes = [sha256_of(item) for item in evaluation.items]
    data_sha256 = catalogue_sha256(material.catalogue)
    training = judge_training(bundle.spec.provenance, hashes, material.split)
    command = command_line(request)
    data, warnings = request.data.resolve().name, find_warnings(evaluation)
    about = describe(material.screener, data, data_sha256, command, training, warnings)
    openings = record_look(
        bundle,
        material.selection.stamp,
        len(evaluation.items),
        data_sha256,
        {"predictions.csv": predictions_csv(evaluation).encode()},
        command=command,
        split_file=request.split,
        out=request.out,
        reason=request.reason,
    )
    about = replace(about, openings=openings)
    about = replace(about, warnings=(*about.warnings, scale)) if scale else about
    files: list[str] = []
    if request.out is not None:
        configuration = _configuration(request, material, evaluation, hashes, command)
        manifest = run_manifest("evaluate", configuration, data_sha256, request.seed)
        pictures = picture_reader(material.catalogue, material.screener.limits)
        files = write_evaluation(request.out, evaluation, about, manifest, checked, pictures)
    tell(evaluation, about, checked, request.out, files)


def _configuration(
    request: Request, material: _Material, evaluation: Evaluation, hashes: list[str], command: str
) -> dict[str, Any]:
    bundle, stamp, settings = material.screener.bundle, material.selection.stamp, evaluation.settings
    return {
        "command_line": command,
        "bundle": {"name": bundle.spec.name, "version": bundle.spec.version, "sha256": bundle.sha256},
        "engine": f"{material.screener.session.engine} {material.screener.session.engine_version}",
        "precision": material.screener.session.precision,
        "split": {
            "method": stamp.kind,
            "leaky": stamp.leaky,
            "sha256": stamp.split_sha256,
            "fold": stamp.fold,
            "side": stamp.side,
            "short": stamp.short,
            "embargo": stamp.embargo,
            "groups_sha256": stamp.groups_sha256,
            "shared": None if stamp.shared is None else asdict(stamp.shared),
        },
        "images": len(evaluation.items),
        "images_sha256": images_sha256(hashes),
        "classes": list(evaluation.predictions.classes),
        "negative_classes": list(settings.negative_classes),
        "threshold": settings.threshold,
        "threshold_source": asdict(settings.threshold_source),
        "prevalences": list(settings.prevalences),
        "by_patient": settings.by_patient,
        "against": [one.name for one in evaluation.against],
        "level": settings.level,
        "replicates": settings.replicates,
        "um_per_px": request.um_per_px,
        "bundle_um_per_px": request.bundle_um_per_px,
        "stresses": [stressed.name for stressed in evaluation.stressed],
        "requirements": list(request.require),
    }


def _not_met(unmet: list[Checked]) -> CheckFailedError:
    found = [f"{one.requirement.name} {'not defined' if one.found is None else f'{one.found:.6g}'}" for one in unmet]
    return CheckFailedError(
        "A requirement is not met" if len(unmet) == 1 else f"{len(unmet)} requirements are not met",
        expected=", ".join(one.requirement.text for one in unmet),
        found=", ".join(found),
    )
