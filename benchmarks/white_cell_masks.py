"""Measure the masks of white cells: against experts and rendered fields, found again elsewhere, and what removal leaves.

    python benchmarks/white_cell_masks.py DATA --out docs/results

``DATA`` holds ``wbc_masks``, ``bccd`` and ``taleqani``. Writes ``white-cell-masks.json`` and prints it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.data.run_manifest import run_manifest
from leukolens.smear.backgrounds import on_flat_ground, remove_cells, swap_background
from leukolens.smear.reading import read_image
from leukolens.smear.segmentation import WhiteCells, white_cell_parts, white_cells
from leukolens.smear.segmentation.nuclear_dye import measure_dye
from leukolens.smear.synth import STYLES, Content, Style, render_field

PER_CLASS = 40
LABELS = ("Benign", "Early", "Pre", "Pro")
NUCLEUS = {"bccd": 205, "jtsc": 192, "cellavision": 192}
"""Grey level of a mask above which it is nucleus; above 64 it is cell."""

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    result: dict[str, Any] = {
        "masks": {name: agreement(list(experts(arguments.data, name))) for name in NUCLEUS}
        | {"rendered, nine looks": agreement(list(rendered()))},
        "removal": {label: removal(choose(arguments.data / "taleqani/Original" / label)) for label in LABELS},
        "again": again({label: choose(arguments.data / "taleqani/Original" / label) for label in LABELS}),
        "manifest": run_manifest("benchmarks/white_cell_masks.py", {"per_class": PER_CLASS}, None, None),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "white-cell-masks.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps({name: result[name] for name in ("masks", "removal", "again")}, indent=2))


def experts(data: Path, name: str) -> Iterator[tuple[WhiteCells, Mask, Mask]]:
    """Yield what is found, the cell and the nucleus, for each picture of a set with masks."""
    for path in sorted((data / "wbc_masks" / name / "masks").glob("*.png")):
        if name == "bccd":
            image = data / "bccd/images" / path.name.replace("_Mask", "").replace(".png", ".jpg")
        else:
            image = next((data / "wbc_masks" / name / "images").glob(f"{path.stem}.*"), path.parent / "none")
        truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image.is_file() and truth is not None:
            yield white_cell_parts(read_image(image).pixels), truth > 64, truth > NUCLEUS[name]


def rendered() -> Iterator[tuple[WhiteCells, Mask, Mask]]:
    """Yield the same for rendered fields with blasts, four a look."""
    for style in STYLES:
        for seed in range(40, 44):
            field = render_field(
                seed, width=480, height=360, um_per_px=0.256, style=Style.named(style), content=Content.named("all")
            )
            cells, nuclei = np.zeros((2, *field.pixels.shape[:2]), np.bool_)
            for index, cell in enumerate(field.cells):
                if cell.nucleus is not None:
                    x0, y0, x1, y1 = cell.box
                    cells[y0:y1, x0:x1] |= field.visible(index)
                    nuclei[y0:y1, x0:x1] |= cell.nucleus & field.visible(index)
            yield white_cell_parts(field.pixels), cells, nuclei


def agreement(found: list[tuple[WhiteCells, Mask, Mask]]) -> dict[str, Any]:
    """Return median and tenth percentile of the intersection over union of cells and of nuclei."""
    cells = [overlap(parts.cells, cell) for parts, cell, _ in found]
    nuclei = [overlap(parts.nuclei, nucleus) for parts, _, nucleus in found]
    return {"pictures": len(found)} | {
        name: {"median": quantile(values, 0.5), "tenth": quantile(values, 0.1)}
        for name, values in (("cell", cells), ("nucleus", nuclei))
    }


def removal(pictures: list[Picture]) -> dict[str, Any]:
    """Return how much of the pictures is cell, what nuclear dye is left where they were removed, and the time."""
    shares, left, seen, mask_ms, fill_ms = [], [], [], [], []
    for rgb in pictures:
        start = time.process_time()
        parts = white_cell_parts(rgb)
        middle = time.process_time()
        without = remove_cells(rgb, parts.cells)
        end = time.process_time()
        mask_ms.append(1e3 * (middle - start))
        fill_ms.append(1e3 * (end - middle))
        # Side by side, both are measured by the same stain.
        dye = measure_dye(np.hstack([rgb, without]))
        like = dye.amount[:, rgb.shape[1] :] > 0.6 * dye.typical
        left.append(float(like[parts.cells].mean()) if parts.cells.any() else 0.0)
        shares.append(float(parts.cells.mean()))
        seen.append(float(white_cell_parts(without).nuclei.mean()))
    return {
        "pictures": len(pictures),
        "without_any_cell": int(np.count_nonzero(np.array(shares) == 0.0)),
        "cell_share_median": quantile(shares, 0.5),
        "nucleus_like_where_removed_mean": round(float(np.mean(left)), 4),
        "nucleus_like_where_removed_most": round(float(np.max(left)), 4),
        "removed_with_nuclei_below_0.4_percent": round(float((np.array(seen) < 0.004).mean()), 3),
        "mask_ms": round(float(np.median(mask_ms)), 1),
        "fill_ms": round(float(np.median(fill_ms)), 1),
    }


def again(pictures: dict[str, list[Picture]]) -> dict[str, Any]:
    """Return how well a mask agrees with the one found once more after its cells were laid on other ground.

    On flat ground, and on the ground of a picture of the next class.
    """
    overlaps: dict[str, list[float]] = {"on_flat_ground": [], "on_another_class_ground": []}
    names = list(pictures)
    for place, name in enumerate(names):
        others = pictures[names[(place + 1) % len(names)]]
        for rgb, other in zip(pictures[name], others, strict=False):
            mask = white_cells(rgb)
            swapped = swap_background(rgb, mask, other, white_cells(other))
            overlaps["on_flat_ground"].append(overlap(mask, white_cells(on_flat_ground(rgb, mask))))
            overlaps["on_another_class_ground"].append(overlap(mask, white_cells(swapped)))
    return {
        name: {"pictures": len(values), "median": quantile(values, 0.5), "tenth": quantile(values, 0.1)}
        for name, values in overlaps.items()
    }


def choose(folder: Path) -> list[Picture]:
    """Return `PER_CLASS` pictures at even distances in the order of their names."""
    paths = sorted(folder.iterdir())
    places = np.linspace(0, len(paths) - 1, min(PER_CLASS, len(paths))).round().astype(int)
    return [read_image(paths[place]).pixels for place in places]


def overlap(first: Mask, second: Mask) -> float:
    """Return the intersection over the union."""
    return float((first & second).sum() / max(1, (first | second).sum()))


def quantile(values: list[float], at: float) -> float:
    """Return a quantile, rounded."""
    return round(float(np.quantile(values, at)), 3)


if __name__ == "__main__":
    main()
