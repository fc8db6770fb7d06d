"""Measure the segmentation on real images: its rate and its masks beside the thesis' steps written out literally.

    python benchmarks/segmentation.py DATA --out docs/results

``DATA`` is the folder of the Taleqani images. 50 images a class are taken at even distances and held in memory; a mask is made
from decoded pixels, in one process with one thread. Rounds take ours and the literal version in turns, twenty images at a
time, so that whatever else the machine does weighs on both. Writes ``segmentation.json`` and ``segmentation.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bench_estimates import Estimate, estimate, ratio
from literal_segmentation import literal_mask
from numpy.typing import NDArray
from segmentation_table import to_markdown
from sklearn.cluster import kmeans_plusplus
from threadpoolctl import threadpool_limits

from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint
from leukolens.data.layouts import open_catalogue
from leukolens.data.run_manifest import run_manifest
from leukolens.smear.reading import read_image
from leukolens.smear.segmentation import SegmentKMeans
from leukolens.smear.segmentation.stages import kmeans_stages

PER_CLASS = 50
TURN = 20
"""Images a turn."""
REPEATS = 5
"""How often ours goes over the images of a turn: one pass would be over in a hundredth of a second."""
STEP = SegmentKMeans()
TARGETS = {"times": 20.0, "mean": 0.98, "fifth_percentile": 0.98}

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass
class Clock:
    """Seconds an image in each round, by the wall clock and by the processor."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def begin_round(self) -> None:
        """Open a round."""
        self.wall.append(0.0)
        self.processor.append(0.0)

    @contextmanager
    def share(self, images: int, of_round: float) -> Iterator[None]:
        """Add what the block takes to the round: `images` were done, each of which weighs 1 / `of_round`."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        weight = 1.0 / images * of_round
        self.wall[-1] += (time.perf_counter() - wall) * weight
        self.processor[-1] += (time.process_time() - processor) * weight


def main() -> None:
    """Measure, write both files, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    chosen = fingerprint(choose(open_catalogue(arguments.data)))
    pictures = [read_image(chosen.locate(item)).pixels for item in chosen.items]
    labels = [item.label for item in chosen.items]
    with threadpool_limits(1):
        rates = measure_rates(pictures, arguments.rounds)
        agreement = measure_agreement(pictures, labels)
    result = {
        "images": len(pictures),
        "size": sorted({f"{rgb.shape[1]} x {rgb.shape[0]}" for rgb in pictures}),
        "rates": rates,
        "agreement": agreement,
        "targets": judge(rates, agreement),
        "manifest": run_manifest(
            "benchmarks/segmentation.py",
            {"per_class": PER_CLASS, "rounds": arguments.rounds, "step": STEP.model_dump(), "threads": 1},
            catalogue_sha256(chosen),
            0,
        ),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "segmentation.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    (arguments.out / "segmentation.md").write_text(to_markdown(result), "utf-8")
    print(to_markdown(result))


def choose(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue of `PER_CLASS` images a class, at even distances in natural order."""
    items = []
    for label in catalogue.classes:
        own = [item for item in catalogue.items if item.label == label]
        places = np.linspace(0, len(own) - 1, min(PER_CLASS, len(own))).round().astype(int)
        items += [own[place] for place in places]
    return replace(catalogue, items=tuple(items))


def measure_rates(pictures: list[Picture], rounds: int) -> dict[str, Any]:
    """Time ours and the literal version in turns.

    Returns
    -------
    dict
        By contestant and clock: milliseconds an image; how many times as fast ours is, by the same rounds.
    """
    ways: dict[str, tuple[Callable[[Picture], object], int]] = {
        "ours": (lambda rgb: kmeans_stages(rgb, STEP).mask, REPEATS),
        "literal": (literal_mask, 1),
        "literal, n_init=10": (lambda rgb: literal_mask(rgb, n_init=10), 1),
    }
    clocks = {name: Clock() for name in ways}
    turns = [pictures[start : start + TURN] for start in range(0, len(pictures), TURN)]
    for number in range(-1, rounds):  # the first warms up and is thrown away
        for clock in clocks.values():
            clock.begin_round()
        for turn in turns if number >= 0 else turns[:1]:
            for name, (way, repeats) in ways.items():
                with clocks[name].share(len(turn) * repeats, len(turn) / len(pictures)):
                    for _ in range(repeats):
                        for rgb in turn:
                            way(rgb)
    return {
        kind: {
            "milliseconds": {
                name: asdict(estimate([1e3 * value for value in getattr(clock, kind)[1:]]))
                for name, clock in clocks.items()
            },
            "times": {
                name: asdict(ratio(getattr(clock, kind)[1:], getattr(clocks["ours"], kind)[1:]))
                for name, clock in clocks.items()
                if name != "ours"
            },
        }
        for kind in ("wall", "processor")
    }


def measure_agreement(pictures: list[Picture], labels: list[str]) -> dict[str, Any]:
    """Compare masks by intersection over union; two empty masks agree."""
    ours = [kmeans_stages(rgb, STEP).mask for rgb in pictures]
    literal = {seed: [literal_mask(rgb, seed=seed) for rgb in pictures] for seed in (0, 1)}
    tenfold = {seed: [literal_mask(rgb, seed=seed, n_init=10) for rgb in pictures] for seed in (0, 1)}
    starts = [first_centres(rgb, number) for number, rgb in enumerate(pictures)]
    from_same = [
        (kmeans_stages(rgb, STEP, start.tolist()).mask, literal_mask(rgb, start=start))
        for rgb, start in zip(pictures, starts, strict=True)
    ]
    pairs = {
        "ours and literal, same first centres": from_same,
        "literal and literal, another seed": list(zip(literal[0], literal[1], strict=True)),
        "ours and literal": list(zip(ours, literal[0], strict=True)),
        "literal and literal, n_init=10, another seed": list(zip(tenfold[0], tenfold[1], strict=True)),
        "ours and literal, n_init=10": list(zip(ours, tenfold[0], strict=True)),
    }
    return {name: _agree(masks, labels) for name, masks in pairs.items()}


def first_centres(rgb: Picture, seed: int) -> NDArray[np.float64]:
    """Draw centres as scikit-learn's k-means++ does, (7,) on the scale of 8-bit a*."""
    a = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 1].reshape(-1, 1).astype(np.float64)
    return np.asarray(kmeans_plusplus(a, STEP.clusters, random_state=seed)[0].ravel(), np.float64)


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Return the share of what either holds that both hold; 1 where both are empty."""
    either = int((one | other).sum())
    return 1.0 if either == 0 else int((one & other).sum()) / either


def judge(rates: dict[str, Any], agreement: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the figures against the targets."""
    same = agreement["ours and literal, same first centres"]
    times = rates["wall"]["times"]["literal"]["median"]
    found = [
        ("times as fast as the literal version, by the clock", TARGETS["times"], times),
        ("times as fast, by the processor", TARGETS["times"], rates["processor"]["times"]["literal"]["median"]),
        ("agreement from the same first centres, mean IoU", TARGETS["mean"], same["mean"]),
        ("the same, 5th percentile", TARGETS["fifth_percentile"], same["fifth_percentile"]),
    ]
    return [{"what": what, "target": at, "measured": value, "met": value >= at} for what, at, value in found]


def _agree(pairs: list[tuple[Mask, Mask]], labels: list[str]) -> dict[str, Any]:
    values = np.array([intersection_over_union(one, other) for one, other in pairs])
    drawn = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return {
        "mean": float(values.mean()),
        "low": float(low),
        "high": float(high),
        "fifth_percentile": float(np.quantile(values, 0.05)),
        "least": float(values.min()),
        "identical": int(sum(np.array_equal(one, other) for one, other in pairs)),
        "both_empty": int(sum(not (one | other).any() for one, other in pairs)),
        "by_class": {label: float(values[[own == label for own in labels]].mean()) for label in dict.fromkeys(labels)},
    }


__all__ = ["Clock", "Estimate", "choose", "first_centres", "intersection_over_union", "judge", "measure_rates"]

if __name__ == "__main__":
    main()
