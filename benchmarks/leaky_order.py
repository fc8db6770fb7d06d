"""What a leaky order of split and samples flatters: the same network in the right order and in the leaky ones.

    python benchmarks/leaky_order.py DATA --out RUNS --set epochs=3 --set network.frozen=3

A block of neighbouring files, with an embargo, is held out of everything: the honest side. What is left is the pool.
Each order makes samples of the pool (both views, balanced copies) and divides it in its own way, trains on equally many,
and reports what it would report; then its network meets the honest side.
Variants: ``all`` has the whole pool and the recipe's augmentation; ``few`` has a handful of pictures a class, flips
alone and many epochs; ``shuffled`` is ``few`` with all labels drawn at random, where nothing can be learned and any figure
above chance is memory. Pieces are VARIANT/ORDER, each a run of its own; ``--resume`` goes on with what RUNS holds and
``--only`` takes single ones. Writes ``leaky-order.json`` and ``leaky-order.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from leaky_order_results import collect, to_markdown

from leukolens.data.catalogue import Catalogue, fingerprint, images_per_label
from leukolens.data.layouts import open_catalogue
from leukolens.data.split import Split, write_split
from leukolens.data.splitting import make_split
from leukolens.train.images import prepare_images
from leukolens.train.plan import Plan
from leukolens.train.predict import predict, softmax, write_predictions
from leukolens.train.recipe import Recipe, load_recipe
from leukolens.train.run import train_fold
from leukolens.train.run_files import trained_network

ORDERS: Final = ("after-split", "before-validation", "before-test", "thesis")
VARIANTS: Final = ("all", "few", "shuffled")
FLIPS: Final = [
    f"augmentation.{change}"
    for change in ("turn=false", "scale=[1, 1]", "aspect=1", "shift=0", "colour=0", "blur=0", "jpeg=0", "noise=0", "corner=0")
]  # fmt: skip
TEST, VALIDATION = 0.2, 0.25
"""Shares of the pool that test, and of the rest that validate."""
FILLED: Final = {
    "after-split": (1 - TEST) * (1 - VALIDATION),
    "before-validation": 1 - TEST,
    "before-test": 1.0,
    "thesis": 1.0,
}
"""Which share of the pool each order fills up with copies before it goes on to divide."""
HONEST: Final = "predictions-honest.csv"


@dataclass(frozen=True)
class Study:
    """The data set, its block split, and what is asked for."""

    catalogue: Catalogue
    blocks: Split
    fold: int
    arguments: argparse.Namespace

    @property
    def pool(self) -> list[int]:
        """Return the pictures that the orders may use."""
        fold = self.blocks.folds[self.fold]
        return sorted((*fold.train, *fold.validation))

    @property
    def honest(self) -> list[int]:
        """Return the pictures that none of them sees."""
        return list(self.blocks.folds[self.fold].test)


def main() -> None:
    """Run the pieces, one after the other, and write both files."""
    arguments = _arguments()
    catalogue = fingerprint(open_catalogue(arguments.data))
    if arguments.limit:
        catalogue = _limited(catalogue, arguments.limit)
    blocks = make_split(
        catalogue, method="blocks", folds=arguments.folds, seed=arguments.seed, embargo=arguments.embargo
    )
    study = Study(catalogue, blocks, arguments.fold, arguments)
    pieces = [f"{variant}/{order}" for variant in VARIANTS for order in ORDERS]
    for piece in arguments.only or pieces:
        variant, order = piece.split("/")
        started = time.monotonic()
        run_piece(study, variant, order)
        print(f"{piece}: {time.monotonic() - started:.0f} s", flush=True)
    result = collect([arguments.out / piece for piece in pieces if (arguments.out / piece / HONEST).is_file()])
    result |= {"blocks": _about(study), "command": _command(arguments), "processors": os.cpu_count()}
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "leaky-order.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    (arguments.results / "leaky-order.md").write_text(to_markdown(result), "utf-8")
    print(to_markdown(result))


def run_piece(study: Study, variant: str, order: str) -> None:
    """Train one network in one order, and let it meet the honest side."""
    arguments, folder = study.arguments, study.arguments.out / variant / order
    catalogue, split = _pool(study, variant)
    plan = Plan(catalogue, split, 0, _recipe(arguments, variant, order, catalogue))
    cache = arguments.out / "cache"
    train_fold(plan, folder, cache=cache, resume=arguments.resume, progress=not arguments.quiet)
    if (folder / HONEST).is_file():
        return
    images = prepare_images(study.catalogue, plan.recipe.preparation, cache)
    network = trained_network(folder, plan.recipe, len(catalogue.classes))
    probabilities = softmax(predict(network, images[study.honest]).logits)
    part = folder / f"{HONEST}.part"
    write_predictions(part, _honest(study, variant), catalogue.classes, study.honest, probabilities)
    part.replace(folder / HONEST)


def _recipe(arguments: argparse.Namespace, variant: str, order: str, catalogue: Catalogue) -> Recipe:
    counts = catalogue.counts().values()
    changes = ["samples.views=[original, segmented]", *arguments.set]
    if variant != "all":
        changes += [*FLIPS, f"epochs={arguments.few_epochs}"]
    # The thesis fills 504 to 985 pictures a class up to 1,000; equal classes are doubled, as its smallest is. Each order
    # fills up another part of the pool, so that all train on equally many samples and the order alone differs.
    full = max(counts) if len(set(counts)) > 1 else 2 * max(counts)
    changes.append(f"samples.per_class={round(FILLED[order] * full)}")
    return load_recipe(arguments.recipe, [*changes, f"samples.order={order}", f"seed={arguments.seed}"])


def _pool(study: Study, variant: str) -> tuple[Catalogue, Split]:
    """Return the pool as a catalogue of its own, kept as a table, and its split by picture at random."""
    arguments = study.arguments
    catalogue = study.catalogue
    numbers = study.pool if variant == "all" else _some(catalogue, study.pool, arguments.few, arguments.seed)
    labels = [catalogue.items[number].label for number in numbers]
    if variant == "shuffled":
        labels = np.random.default_rng(arguments.seed).permutation(labels).tolist()
    items = [replace(catalogue.items[number], label=label) for number, label in zip(numbers, labels, strict=True)]
    pool = replace(catalogue, items=tuple(items))
    split = make_split(
        pool, method="random-image", folds=1, seed=arguments.seed, test_share=TEST, validation=VALIDATION
    )
    folder = arguments.out / variant
    folder.mkdir(parents=True, exist_ok=True)
    write_split(split, folder / "split.json")
    with (folder / "pool.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("path", "label"), *((item.path, item.label) for item in items)])
    return pool, split


def _honest(study: Study, variant: str) -> Catalogue:
    """Return the catalogue with the labels that the honest side is judged by: drawn as well where the pool's are.

    The few drawn labels of the pool favour one class or another in each slide by luck, and a network that learned them
    agrees with the true labels of whole slides, or does not.
    """
    if variant != "shuffled":
        return study.catalogue
    items = list(study.catalogue.items)
    labels = np.random.default_rng((study.arguments.seed, 1)).permutation(
        [items[number].label for number in study.honest]
    )
    for number, label in zip(study.honest, labels.tolist(), strict=True):
        items[number] = replace(items[number], label=label)
    return replace(study.catalogue, items=tuple(items))


def _some(catalogue: Catalogue, numbers: Sequence[int], count: int, seed: int) -> list[int]:
    """Return so many pictures of each class, drawn at random, no two of them the same file."""
    first = {catalogue.items[number].sha256: number for number in reversed(numbers)}
    single = sorted(first.values())
    chosen: list[int] = []
    for members in images_per_label([catalogue.items[number].label for number in single], catalogue.classes).values():
        drawn = np.random.default_rng((seed, len(chosen))).permutation(members)[:count]
        chosen += [single[position] for position in drawn]
    return sorted(chosen)


def _limited(catalogue: Catalogue, count: int) -> Catalogue:
    """Return the first pictures of each class: their order is what the blocks are cut from."""
    members = images_per_label([item.label for item in catalogue.items], catalogue.classes)
    kept = sorted(index for own in members.values() for index in own[:count])
    return replace(catalogue, items=tuple(catalogue.items[index] for index in kept))


def _about(study: Study) -> dict[str, Any]:
    counts = dict.fromkeys(study.catalogue.classes, 0)
    for number in study.honest:
        counts[study.catalogue.items[number].label] += 1
    return {
        "fold": study.fold,
        "parameters": study.blocks.parameters,
        "sha256": study.blocks.sha256,
        "pool": len(study.pool),
        "honest": len(study.honest),
        "honest_classes": counts,
        "left_out": len(study.blocks.folds[study.fold].left_out),
    }


def _command(arguments: argparse.Namespace) -> str:
    words = ["python benchmarks/leaky_order.py DATA --out RUNS"]
    asked = vars(arguments)
    for name, default in _DEFAULTS.items():
        if asked[name] != default:
            words.append(f"--{name.replace('_', '-')} {asked[name]}")
    return " ".join([*words, *(f"--set {change}" for change in arguments.set)])


_DEFAULTS: Final[dict[str, Any]] = {
    "recipe": "field-plain", "seed": 88, "folds": 5, "fold": 0, "embargo": 37, "few": 60, "few_epochs": 20, "limit": None
}  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="change the recipe")
    parser.add_argument("--resume", action="store_true", help="go on with what --out holds")
    parser.add_argument("--only", action="append", metavar="VARIANT/ORDER", help="run these pieces alone")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    helped = {
        "recipe": "which network and how",
        "seed": "of splits, draws and training",
        "folds": "into how many blocks each class is cut",
        "fold": "which of them is the honest side",
        "embargo": "files beside it that are used for nothing",
        "few": "pictures a class of the variants few and shuffled",
        "few_epochs": "their epochs",
        "limit": "use the first so many pictures of each class alone, for a trial",
    }
    for name, default in _DEFAULTS.items():
        kind = str if name == "recipe" else int
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help=helped[name])
    return parser.parse_args()


if __name__ == "__main__":
    main()
