"""Every network of the registry on a few real pictures: trained some steps, exported, compared with its ONNX file.

    python benchmarks/networks.py DATA --out RUNS [--only vgg19,vit-s] [--a-class 8]

DATA has class folders. It proves that the whole way works for each network on a processor, not how good any is: eight
pictures a class teach nothing. The networks of the thesis go by its recipes, with its head, the others by `field-plain`, all
from random weights, so that nothing is fetched. Goes on with what RUNS holds; ``--agreement`` compares the finished runs
of RUNS with their ONNX files again and leaves their times as they are. Weights and ONNX files go when all is measured,
unless ``--keep`` is given; where they are gone, ``--agreement`` trains again in the same way and says so.

Writes networks.{md,json} of all that RUNS holds: into RUNS while networks are missing there, else into docs/results;
``--results`` names another folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from networks_page import ENGINES, page
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint, images_per_label
from leukolens.data.layouts import open_catalogue
from leukolens.data.run_manifest import run_manifest
from leukolens.data.split import Split
from leukolens.data.splitting import make_split
from leukolens.engine.session import open_session
from leukolens.networks.table import REGISTRY
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.callbacks import read_curves
from leukolens.train.export import export_run
from leukolens.train.fitting import read_fitted
from leukolens.train.images import prepare_images
from leukolens.train.layout import CURVES_FILE
from leukolens.train.plan import Plan
from leukolens.train.predict import softmax
from leukolens.train.recipe import Recipe, load_recipe, packaged_recipes
from leukolens.train.run import train_fold
from leukolens.train.run_files import read_run, trained_network

RESULTS: Final = Path(__file__).parents[1] / "docs" / "results"
PROOF: Final = "proof.json"
ONNX: Final = "bundle/field.onnx"
AGAIN: Final = "again"
"""Within a run's folder: the same training once more, where the first one's weights are gone."""
BATCH: Final = 8


class Said(NamedTuple):
    """What a network or its ONNX file says of the pictures held out: logits (N, C) and class maps (N, C, h, w)."""

    logits: NDArray[np.float32]
    class_map: NDArray[np.float32]


class Bench(NamedTuple):
    """The pictures, their split, and where the runs lie."""

    few: Catalogue
    split: Split
    out: Path

    @property
    def held_out(self) -> list[int]:
        """Return the pictures that no network was trained on."""
        fold = self.split.folds[0]
        return [*fold.validation, *fold.test]


def recipe_of(name: str) -> Recipe:
    """Return the recipe by which a network is proved."""
    thesis = {"resnet152v2": "thesis-resnet152v2all"}.get(name, f"thesis-{name}")
    width, height = REGISTRY[name].size
    changes = ["network.weights=none", f"batch_size={BATCH}", "epochs=2", "average=null"]
    if thesis in packaged_recipes():
        return load_recipe(thesis, changes)
    size = [f"preparation.width={width}", f"preparation.height={height}"]
    return load_recipe("field-plain", [*changes, *size, f"network.name={name}", "optimiser.learning_rate=3e-4"])


def prove(bench: Bench, name: str, *, agreement: bool = False, keep: bool = False) -> dict[str, Any]:
    """Train a network some steps, export it, and compare it with its ONNX file on the pictures held out.

    Parameters
    ----------
    bench
        The pictures and the folder of the runs.
    name
        Of the registry.
    agreement
        Whether a finished run is compared again.
    keep
        Whether weights and ONNX file stay.
    """
    folder = bench.out / name
    if not (folder / PROOF).is_file():
        seconds = _train_and_export(bench, name, folder)
        result = _described(bench, name, folder) | {"seconds": seconds, "agreement": agree(bench, name, folder)}
    else:
        result = read_proof(bench, name)
        if not agreement:
            return result
        result["agreement"] = _agree_again(bench, name, folder, result["loss"])
        for earlier in ("difference", "spread"):  # of probabilities alone, as older runs left them
            result.pop(earlier, None)
    (folder / PROOF).write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    if not keep:
        shutil.rmtree(folder / AGAIN, ignore_errors=True)
        for heavy in ("last.ckpt", "best.ckpt", RUN_WEIGHTS, ONNX):
            (folder / heavy).unlink(missing_ok=True)
    return result


def read_proof(bench: Bench, name: str) -> dict[str, Any]:
    """Return what a finished run left; refuse one of other pictures."""
    run = read_run(bench.out / name)
    if run["run"]["data_sha256"] != catalogue_sha256(bench.few):
        raise SystemExit(f"{bench.out / name} was trained with other pictures: name another folder with --out")
    result: dict[str, Any] = json.loads((bench.out / name / PROOF).read_text("utf-8"))
    code = run["manifest"].get("code") or {}
    return {"measured": run["manifest"]["time"], "commit": code.get("commit")} | result


def agree(bench: Bench, name: str, folder: Path) -> dict[str, Any]:
    """Compare the network of a run with its ONNX file, in both engines, on the pictures held out."""
    recipe = recipe_of(name)
    network = trained_network(folder, recipe, len(bench.few.classes))
    prepared = prepare_images(bench.few, read_fitted(folder, recipe.preparation), bench.out / "cache")
    pictures = np.array(prepared[bench.held_out])
    with torch.inference_mode():
        output = network(torch.from_numpy(pictures))
    expected = Said(output.logits.numpy(), output.class_map.numpy())
    content = (folder / ONNX).read_bytes()
    found = {engine: open_session(content, engine).run(pictures) for engine in ENGINES}
    compared = {engine: compare(expected, Said(one["logits"], one["class_map"])) for engine, one in found.items()}
    return compared | {
        "second_probability": float(np.sort(softmax(expected.logits), axis=1)[:, -2].max()),
        "logit_range": _range(expected.logits),
        "pictures": len(pictures),
        "measured": _now(),
    }


def compare(expected: Said, found: Said) -> dict[str, float]:
    """Return the largest difference of a probability, of a logit and of a class map.

    Logits are compared on the scale on which they tell pictures apart: the widest range of one class's logit over the
    pictures. A network that barely tells them apart must agree the more closely.
    """
    largest = np.abs(expected.class_map).max((1, 2, 3), keepdims=True)
    return {
        "probability": float(np.abs(softmax(expected.logits) - softmax(found.logits)).max()),
        "logit": float(np.abs(expected.logits - found.logits).max() / _range(expected.logits)),
        "class_map": float((np.abs(expected.class_map - found.class_map) / largest).max()),
    }


def _range(logits: NDArray[np.float32]) -> float:
    return float(np.ptp(logits, axis=0).max())


def _train_and_export(bench: Bench, name: str, folder: Path) -> dict[str, float]:
    started = time.monotonic()
    plan = Plan(bench.few, bench.split, 0, recipe_of(name))
    train_fold(plan, folder, cache=bench.out / "cache", resume=True, progress=False)
    trained = time.monotonic()
    if not (folder / "bundle").exists():
        export_run(folder, bench.few, bench.split, folder / "bundle", name=name, cache=bench.out / "cache")
    return {"train": round(trained - started, 1), "export": round(time.monotonic() - trained, 1)}


def _described(bench: Bench, name: str, folder: Path) -> dict[str, Any]:
    recipe = recipe_of(name)
    network = trained_network(folder, recipe, len(bench.few.classes))
    rows = read_curves(folder / CURVES_FILE)
    seen = len(recipe.samples.views) * len(bench.split.folds[0].train)
    return {
        "network": name,
        "recipe": recipe.name,
        "head": recipe.network.head,
        "size": [recipe.preparation.width, recipe.preparation.height],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "onnx_megabytes": round((folder / ONNX).stat().st_size / 1e6, 1),
        "steps": recipe.epochs * -(-seen // BATCH),
        "loss": _losses(folder),
        "processor_seconds_a_sample": round(sum(row["processor_seconds"] for row in rows) / (seen * recipe.epochs), 4),
        "measured": _now(),
    }


def _agree_again(bench: Bench, name: str, folder: Path, loss: list[float]) -> dict[str, Any]:
    """Compare a finished run; where its weights are gone, train it again and say how its loss went."""
    if (folder / RUN_WEIGHTS).is_file() and (folder / ONNX).is_file():
        return agree(bench, name, folder)
    _train_and_export(bench, name, folder / AGAIN)
    found = _losses(folder / AGAIN)
    if found != loss:
        print(f"{name}: trained again, the loss went {found} and not {loss}", flush=True)
    return agree(bench, name, folder / AGAIN) | {"loss": found}


def _losses(folder: Path) -> list[float]:
    return [round(row["train_loss"], 4) for row in read_curves(folder / CURVES_FILE)]


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def write_results(bench: Bench, a_class: int, results: Path | None) -> Path:
    """Write both files of all that the runs' folder holds, and return where.

    The page of docs/results has every network of the registry or is left as it is.
    """
    rows = [read_proof(bench, name) for name in REGISTRY if (bench.out / name / PROOF).is_file()]
    missing = [name for name in REGISTRY if name not in {row["network"] for row in rows}]
    place = results or RESULTS
    if missing and place.resolve() == RESULTS.resolve():
        place = bench.out
        print(f"not all networks are there, {RESULTS} stays as it is: {', '.join(missing)}")
    place.mkdir(parents=True, exist_ok=True)
    configuration = {"a_class": a_class, "batch": BATCH}
    manifest = run_manifest("benchmarks/networks.py", configuration, catalogue_sha256(bench.few), 88)
    content = {"results": rows, "manifest": manifest}
    (place / "networks.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (place / "networks.md").write_text(page(rows, a_class), "utf-8")
    return place


def main(words: list[str] | None = None) -> None:
    """Prove the networks that are asked for, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--only", default=",".join(REGISTRY), help="names, with commas")
    parser.add_argument("--a-class", type=int, default=8)
    parser.add_argument("--agreement", action="store_true", help="compare finished runs with their ONNX files again")
    parser.add_argument("--keep", action="store_true", help="keep weights and ONNX files")
    parser.add_argument("--results", type=Path, help="folder of networks.{md,json}")
    chosen = parser.parse_args(words)
    names = chosen.only.split(",")
    if unknown := [name for name in names if name not in REGISTRY]:
        parser.error(f"unknown networks: {', '.join(unknown)}")
    every = open_catalogue(chosen.data)
    chosen.out.mkdir(parents=True, exist_ok=True)
    few = fingerprint(_few(chosen.data, every, chosen.a_class, chosen.out / "few.csv"))
    bench = Bench(few, make_split(few, method="random-image", folds=4, validation=0.34), chosen.out)
    for name in names:
        print(json.dumps(prove(bench, name, agreement=chosen.agreement, keep=chosen.keep)), flush=True)
    print(f"written into {write_results(bench, chosen.a_class, chosen.results)}")


def _few(root: Path, every: Catalogue, a_class: int, listing: Path) -> Catalogue:
    """Return the catalogue of some pictures of each class, at even distances."""
    with listing.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        for label, members in images_per_label([item.label for item in every.items], every.classes).items():
            for place in np.linspace(0, len(members) - 1, a_class).round().astype(int):
                writer.writerow([every.items[members[place]].path, label])
    return open_catalogue(root, labels=listing)


if __name__ == "__main__":
    main()
