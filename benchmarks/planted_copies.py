"""How many planted copies the audit finds: pictures shifted, turned and rescaled, among the real ones.

python benchmarks/planted_copies.py DATA --out docs/results/audit/planted-copies

Copies are made of randomly drawn pictures of DATA. What a shift, a turn or a smaller scale uncovers is filled with
another picture, since a real second capture shows other cells there; light and JPEG quality are changed as well. A copy
is found when it lands in its original's field group. Unrelated pairs are drawn from different classes, which no patient
of DATA shares: one in a field group is a false merge. Nothing is written but counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy.stats import binomtest

from leukolens.audit.field_features import FieldFeatures, describe_field
from leukolens.audit.fields import find_fields, group_fields
from leukolens.data import catalogue_sha256, fingerprint, open_catalogue
from leukolens.data.run_manifest import run_manifest
from leukolens.smear.marks import find_marks
from leukolens.smear.perturb import jpeg
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KINDS = ("shifted", "turned", "rescaled", "all three", "mirrored")
LARGEST_SHIFT = 50 / 224
SCALES = (0.7, 1.4)


def planted(rgb: NDArray[np.uint8], other: NDArray[np.uint8], kind: str, seed: int) -> NDArray[np.uint8]:
    """Return a second capture of a picture's field: moved, in other light, saved again."""
    rng = np.random.default_rng(seed)
    height, width = rgb.shape[:2]
    angle, scale, shift = 0.0, 1.0, np.zeros(2)
    if kind in ("shifted", "all three"):
        # At least one direction by half of the largest, so that shifts are not mostly small.
        shift = rng.uniform(0.5, 1, 2) * rng.choice((-1, 1), 2) * LARGEST_SHIFT * (width, height)
    if kind in ("turned", "all three"):
        angle = rng.uniform(5, 355)
    if kind in ("rescaled", "all three"):
        scale = float(np.exp(rng.uniform(*np.log(SCALES))))
    if kind == "mirrored":
        rgb = np.ascontiguousarray(rgb[:, ::-1])
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale), np.float64)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_LINEAR)
    covered = cv2.warpAffine(np.ones((height, width), np.uint8), matrix, (width, height)) > 0
    around = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    mixed = np.where(covered[..., None], moved, around)
    light = 255 * (mixed / 255) ** rng.uniform(0.8, 1.25) * rng.uniform(0.92, 1.08, 3)
    return jpeg(np.clip(light + 0.5, 0, 255).astype(np.uint8), int(rng.integers(70, 95)))


def described(rgb: NDArray[np.uint8]) -> FieldFeatures:
    """Return what the audit looks at of a picture."""
    return describe_field(rgb, find_marks(rgb))


def describe_file(path: Path) -> FieldFeatures:
    """Return what the audit looks at of a file."""
    cv2.setNumThreads(1)
    return described(read_image(path).pixels)


def describe_copy(job: tuple[Path, Path, str, int]) -> FieldFeatures:
    """Plant one copy and return what the audit looks at of it."""
    cv2.setNumThreads(1)
    original, other, kind, seed = job
    return described(planted(read_image(original).pixels, read_image(other).pixels, kind, seed))


def share(found: int, count: int) -> dict[str, Any]:
    """Return a share with its 95 % interval."""
    ends = binomtest(found, count).proportion_ci(method="wilson")
    return {"found": found, "of": count, "share": found / count, "low": float(ends.low), "high": float(ends.high)}


def measure(data: Path, copies: int, pairs: int, seed: int, jobs: int) -> dict[str, Any]:
    """Plant copies among the pictures of a data set, group all, and count."""
    catalogue = open_catalogue(data)
    files = [catalogue.root / item.path for item in catalogue.items]
    labels = [item.label for item in catalogue.items]
    rng = np.random.default_rng(seed)
    originals = rng.choice(len(files), copies, replace=copies > len(files))
    plan = [
        (files[one], files[rng.integers(len(files))], KINDS[number % len(KINDS)], seed * 100_003 + number)
        for number, one in enumerate(originals)
    ]
    start = time.perf_counter()
    with Pool(jobs) as pool:
        features = pool.map(describe_file, files, chunksize=16) + pool.map(describe_copy, plan, chunksize=8)
    described_after = time.perf_counter() - start
    found = find_fields(features, seed=seed, threads=jobs)
    groups = group_fields(len(features), found)
    return {
        "copies": _recalls(plan, originals, groups, len(files)),
        "false merges": share(*_false(labels, groups, pairs, rng)),
        "cross-class pairs among all": sum(
            labels[one.first] != labels[one.second] for one in found if one.second < len(files)
        ),
        "fields of the data set": len(set(groups[: len(files)])),
        "seconds": {"features": described_after, "all": time.perf_counter() - start},
    }


def _recalls(plan: Sequence[Any], originals: NDArray[np.int64], groups: Sequence[int], real: int) -> dict[str, Any]:
    hits: Counter[str] = Counter()
    for number, (one, job) in enumerate(zip(originals, plan, strict=True)):
        hits[job[2]] += groups[one] == groups[real + number]
    asked = Counter(job[2] for job in plan)
    return {kind: share(hits[kind], asked[kind]) for kind in asked} | {"all": share(hits.total(), len(plan))}


def _false(labels: Sequence[str], groups: Sequence[int], pairs: int, rng: np.random.Generator) -> tuple[int, int]:
    merged = drawn = 0
    while drawn < pairs:
        one, other = rng.integers(len(labels), size=2)
        if labels[one] != labels[other]:
            drawn += 1
            merged += groups[one] == groups[other]
    return merged, drawn


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="where to write, without the ending")
    parser.add_argument("--copies", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    result = measure(asked.data, asked.copies, asked.pairs, asked.seed, asked.jobs)
    settings = {"copies": asked.copies, "pairs": asked.pairs, "largest shift": LARGEST_SHIFT, "scales": SCALES}
    known = catalogue_sha256(fingerprint(open_catalogue(asked.data)))
    result["manifest"] = run_manifest("benchmarks/planted_copies.py", settings, known, asked.seed)
    asked.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
