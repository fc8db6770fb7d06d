"""Every network of the registry on a few real pictures: trained some steps, exported, compared with its ONNX file.

    python benchmarks/networks.py DATA --out RUNS [--only vgg19,vit-s] [--a-class 8]

DATA has class folders. It proves that the whole way works for each network on a processor, not how good any is: eight
pictures a class teach nothing. The networks of the thesis go by its recipes, with its head, the others by `field-plain`, all
from random weights, so that nothing is fetched. Goes on with what RUNS holds. Writes docs/results/networks.{md,json}.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint, images_per_label
from leukolens.data.layouts import open_catalogue
from leukolens.data.run_manifest import run_manifest
from leukolens.data.splitting import make_split
from leukolens.engine.bundle import find_bundle
from leukolens.networks.table import REGISTRY
from leukolens.train.callbacks import CURVES, read_curves
from leukolens.train.export import export_run
from leukolens.train.fitting import read_fitted
from leukolens.train.images import prepare_images
from leukolens.train.onnx_export import largest_difference
from leukolens.train.recipe import Recipe, load_recipe, packaged_recipes
from leukolens.train.run import Plan, train_fold
from leukolens.train.run_files import trained_network

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PROOF = "proof.json"
BATCH = 8


class Logits(torch.nn.Module):
    """A network that gives its logits first, as the exported one does."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return what the network says, logits first."""
        return tuple(self.network(images))


def recipe_of(name: str) -> Recipe:
    """Return the recipe by which a network is proved."""
    thesis = {"resnet152v2": "thesis-resnet152v2all"}.get(name, f"thesis-{name}")
    width, height = REGISTRY[name].size
    changes = ["network.weights=none", f"batch_size={BATCH}", "epochs=2", "average=null"]
    if thesis in packaged_recipes():
        return load_recipe(thesis, changes)
    size = [f"preparation.width={width}", f"preparation.height={height}"]
    return load_recipe("field-plain", [*changes, *size, f"network.name={name}", "optimiser.learning_rate=3e-4"])


def prove(name: str, few: Catalogue, out: Path) -> dict[str, Any]:
    """Train a network some steps, export it, and compare it with its ONNX file on the pictures held out."""
    folder = out / name
    if (folder / PROOF).is_file():
        done: dict[str, Any] = json.loads((folder / PROOF).read_text("utf-8"))
        return done
    recipe = recipe_of(name)
    split = make_split(few, method="random-image", folds=4, validation=0.34)
    started = time.monotonic()
    train_fold(Plan(few, split, 0, recipe), folder, cache=out / "cache", resume=True, progress=False)
    trained = time.monotonic()
    bundle = folder / "bundle"
    if not bundle.exists():
        export_run(folder, few, split, bundle, name=name, cache=out / "cache")
    exported = time.monotonic()
    rows = read_curves(folder / CURVES)
    network = trained_network(folder, recipe, len(few.classes))
    fold = split.folds[0]
    pictures = prepare_images(few, read_fitted(folder, recipe.preparation), out / "cache")[
        [*fold.validation, *fold.test]
    ]
    content = find_bundle(bundle).read_network("field")
    differences = {
        engine: largest_difference(Logits(network), content, pictures, engine) for engine in ("openvino", "onnxruntime")
    }
    views = len(recipe.samples.views)
    samples = views * len(fold.train) * recipe.epochs
    result = {
        "network": name,
        "recipe": recipe.name,
        "head": recipe.network.head,
        "size": [recipe.preparation.width, recipe.preparation.height],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "onnx_megabytes": round(len(content) / 1e6, 1),
        "steps": recipe.epochs * -(-views * len(fold.train) // BATCH),
        "loss": [round(row["train_loss"], 4) for row in rows],
        "processor_seconds_a_sample": round(sum(row["processor_seconds"] for row in rows) / samples, 4),
        "difference": differences,
        "spread": float(np.ptp(network.logits(torch.from_numpy(np.array(pictures))).detach().numpy())),
        "pictures": len(pictures),
        "seconds": {"train": round(trained - started, 1), "export": round(exported - trained, 1)},
    }
    (folder / PROOF).write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    for heavy in ("last.ckpt", "best.ckpt", "weights.safetensors", "bundle/field.onnx"):
        (folder / heavy).unlink(missing_ok=True)
    return result


def table(results: list[dict[str, Any]], a_class: int) -> str:
    """Return the page."""
    lines = [
        "# Every network, some steps on a processor",
        "",
        f"Trained from random weights on {a_class} pictures a class (some of them held out), batches of {BATCH}, exported, and compared with the",
        "ONNX file on the pictures held out. It shows that the whole way works for each; it says nothing of how good they are.",
        "`python benchmarks/networks.py DATA --out RUNS`; manifest in `networks.json`.",
        "",
        "| network | recipe | head | input, px | parameters, M | ONNX, MB | steps | training loss | processor s a sample | largest difference of a probability, OpenVINO / ONNX Runtime |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for one in results:
        loss = " -> ".join(f"{value:.3g}" for value in one["loss"])
        difference = " / ".join(f"{one['difference'][engine]:.1e}" for engine in ("openvino", "onnxruntime"))
        lines.append(
            f"| {one['network']} | {one['recipe']} | {one['head']} | {one['size'][0]} x {one['size'][1]} | {one['parameters'] / 1e6:.1f} | "
            f"{one['onnx_megabytes']:.1f} | {one['steps']} | {loss} | {one['processor_seconds_a_sample']:.2f} | {difference} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Prove the networks that are asked for, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default=",".join(REGISTRY), help="names, with commas")
    parser.add_argument("--a-class", type=int, default=8)
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    every = open_catalogue(chosen.data)
    chosen.out.mkdir(parents=True, exist_ok=True)
    few = fingerprint(_few(chosen.data, every, chosen.a_class, chosen.out / "few.csv"))
    results = []
    for name in chosen.only.split(","):
        results.append(prove(name, few, chosen.out))
        print(json.dumps(results[-1]), flush=True)
    manifest = run_manifest(
        "benchmarks/networks.py", {"a_class": chosen.a_class, "batch": BATCH}, catalogue_sha256(few), 88
    )
    content = {"results": results, "manifest": manifest}
    (chosen.results / "networks.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (chosen.results / "networks.md").write_text(table(results, chosen.a_class), "utf-8")


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
