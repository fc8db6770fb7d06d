"""From a finished run to a bundle that screens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leukolens import __version__
from leukolens.cards.model_card import model_card
from leukolens.data.catalogue import Catalogue
from leukolens.data.split import Split
from leukolens.data.stamp import read_stamp
from leukolens.engine.bundle import claim_bundle_folder, write_bundle
from leukolens.engine.spec import BundleSpec, FieldNetworkSpec, Provenance, check_bundle_name, field_data_format
from leukolens.finding import DataError
from leukolens.smear.perturb import STRESSES
from leukolens.train.fitting import read_fitted
from leukolens.train.images import prepare_images
from leukolens.train.layout import RUN_FILE, SUMMARY_FILE
from leukolens.train.onnx_export import check_engine, to_onnx
from leukolens.train.plan import class_indices
from leukolens.train.predict import predict, softmax
from leukolens.train.recipe import Recipe, validated
from leukolens.train.run_files import read_run, trained_network
from leukolens.train.same_run import check_format
from leukolens.train.start import portable_recipe
from leukolens.train.statistics import (
    ExportedField,
    fit_conformal,
    fit_distance,
    fit_novelty,
    fit_temperature,
)


def export_run(
    run: Path,
    catalogue: Catalogue,
    split: Split,
    out: Path,
    *,
    name: str,
    version: str = __version__,
    licence: str = "Apache-2.0",
    terms: str = "",
    citations: Sequence[str] = (),
    figures: Mapping[str, Any] | None = None,
    test_openings: Mapping[str, Any] | None = None,
    cache: Path | None = None,
) -> BundleSpec:
    """Write a run as a bundle.

    Temperature, prediction sets and distances come from the fold's validation side, the features' distribution from its
    training side. The domain ends beyond the validation pictures and those changes of them, by stain, lamp and camera,
    that the recipe trained the network to bear, see `trained_stresses`.

    Parameters
    ----------
    run
        Folder of a finished run.
    catalogue, split
        The pictures and the split that it was trained with.
    out
        The bundle's folder.
    name, version, licence, terms, citations
        What ``bundle.json`` says of it.
    figures
        Measured on what was held out, see `leukolens.assess.held_out`; the run's bare counts if not given.
    test_openings
        How often the test side had been looked at by then, see `leukolens.data.openings.Openings.as_json`.
    cache
        Where prepared pictures are kept, ``run/cache`` if not given.

    Raises
    ------
    DataError
        If the run is not finished, has another format, belongs to other data, holds other weights than its network's,
        has no validation side, or was trained in a leaky order: its validation pictures were trained on as well, so
        that nothing is left to fit temperature and prediction sets on.
    UsageError
        If `name` or `version` is none that a bundle may have, or the run's recipe none that this leukolens knows.
    OutputError
        If `out` holds something or cannot be written; found before the work starts.
    BundleError
        If the engine does not say what PyTorch says, see `leukolens.train.onnx_export.check_engine`.
    """
    check_bundle_name(name, version)
    identity = _finished_run(run, catalogue, split)
    claim_bundle_folder(out)
    recipe = validated(identity["recipe"], f"the recipe of {run}")
    fold = split.folds[identity["fold"]]
    if not fold.validation:
        raise DataError(f"{run} has no validation side", expected="one", todo="split with --validation and train again")
    network = trained_network(run, recipe, len(catalogue.classes))
    preparation = read_fitted(run, recipe.preparation)
    images = prepare_images(catalogue, preparation, cache or run / "cache")
    labels = class_indices(catalogue)
    train, held = list(fold.train), list(fold.validation)

    # From pictures as they are: features of varied ones lie so wide that another laboratory's would be among them.
    distance = fit_distance(predict(network, images, numbers=train).features, labels[train], len(catalogue.classes))
    exported = ExportedField(network, distance).eval()
    onnx = to_onnx(exported, preparation)
    check_engine(exported, onnx, images[held][:64])
    source = f"{len(held)} validation pictures of fold {identity['fold']} ({split.method})"
    clean = predict(network, images, numbers=held)
    calibration = fit_temperature(clean.logits, labels[held], source)
    conformal = fit_conformal(softmax(clean.logits, calibration.temperature), labels[held], source)
    with torch.inference_mode():
        near = distance(torch.from_numpy(clean.features)).numpy()
        far = [
            distance(torch.from_numpy(predict(network, np.stack([change(image) for image in images[held]])).features))
            for change in trained_stresses(recipe).values()
        ]
    spec = BundleSpec(
        name=name,
        version=version,
        created=datetime.now(UTC).replace(microsecond=0),
        description="Field network: which class does a field of view show?",
        licence=licence,
        networks={
            "field": FieldNetworkSpec(
                sha256=hashlib.sha256(onnx).hexdigest(),
                architecture=recipe.network.name,
                labels=tuple(catalogue.classes),
                negative_labels=tuple(catalogue.negative or ()),
                preparation=preparation,
                network_data_format=field_data_format(len(catalogue.classes), preparation.width, preparation.height),
                calibration=calibration,
                conformal=conformal,
                novelty=fit_novelty(near, torch.cat(far).numpy() if far else near, source),
            )
        },
        provenance=_provenance(run, identity, catalogue, train, figures).model_copy(
            update={"terms": terms, "citations": tuple(citations), "test_openings": test_openings}
        ),
    )
    write_bundle(out, spec, {"field.onnx": onnx, "LICENSE": _licence_text(licence)}, model_card(spec))
    return spec


def _finished_run(run: Path, catalogue: Catalogue, split: Split) -> dict[str, Any]:
    from leukolens.data.catalogue import catalogue_sha256

    if not (run / SUMMARY_FILE).is_file() or not (run / RUN_FILE).is_file():
        raise DataError(f"{run} holds no finished run", expected=f"{RUN_FILE} and {SUMMARY_FILE}", todo="train first")
    content = read_run(run)
    check_format(run, content)
    identity: dict[str, Any] = content["run"]
    for key, found in (("data_sha256", catalogue_sha256(catalogue)), ("split_sha256", split.sha256)):
        if identity[key] != found:
            raise DataError(f"{run} was trained with other data", expected=f"{key} {identity[key]}", found=found)
    if identity.get("leaky_order") is not None:
        raise DataError(
            f"{run} was trained in the leaky order {identity['leaky_order']!r}, for study only, and becomes no bundle",
            expected="samples made after the split",
            todo="train again with samples.order=after-split",
        )
    return identity


def trained_stresses(recipe: Recipe) -> dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]:
    """Return those of the fixed stresses whose kind of change a recipe's augmentation makes; none if it is not used."""
    if recipe.probe is not None and not recipe.probe.passes:
        return {}
    augmentation = recipe.augmentation
    coloured = augmentation.colour * augmentation.colour_strength
    shares = {
        "grey": augmentation.colour * augmentation.grey,
        "stain": coloured,
        "lamp": coloured,
        "bar": augmentation.corner,
        "jpeg": augmentation.jpeg,
        "blur": augmentation.blur,
        "noise": augmentation.noise,
    }
    return {name: change for name, change in STRESSES.items() if shares[name.partition("-")[0]] > 0}


def _provenance(
    run: Path, identity: dict[str, Any], catalogue: Catalogue, train: list[int], figures: Mapping[str, Any] | None
) -> Provenance:
    hashes = sorted(str(catalogue.items[index].sha256) for index in train)
    content = read_run(run)
    stamp = read_stamp(content.get("split"), identity)
    if figures is None:
        figures = {"split": stamp.kind} | json.loads((run / SUMMARY_FILE).read_text("utf-8"))
    return Provenance(
        data_sha256=identity["data_sha256"],
        split_sha256=identity["split_sha256"],
        split_method=identity.get("split_method", ""),
        split_kind=stamp.kind,
        groups_sha256=stamp.groups_sha256 or "",
        grouping=identity.get("split_grouping", ""),
        training_images_sha256=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        recipe=portable_recipe(identity["recipe"]),
        start=identity.get("start"),
        code_version=__version__,
        packages=content.get("manifest", {}).get("packages", {}),
        seed=identity["recipe"]["seed"],
        figures=dict(figures),
    )


def _licence_text(licence: str) -> bytes:
    if licence != "Apache-2.0":
        return f"SPDX-License-Identifier: {licence}\n".encode()
    return (resources.files("leukolens.train") / "LICENSE-Apache-2.0.txt").read_bytes()
