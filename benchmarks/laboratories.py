"""Measure how far real laboratories differ in stain and lamp, to calibrate the shifts of ``leukolens stress``.

    python benchmarks/laboratories.py DATA --out src/leukolens/assess/laboratories.json

``DATA`` holds the folders of `LABORATORIES`. At most `PER_FOLDER` pictures a folder are taken at even distances; a laboratory's
look is the median over its pictures. Only figures are written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.assess.laboratory import LOOK, differences, measure_look
from leukolens.data.run_manifest import run_manifest
from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.reading import read_image

LABORATORIES = {
    "taleqani": (
        "taleqani/Original/Benign",
        "taleqani/Original/Early",
        "taleqani/Original/Pre",
        "taleqani/Original/Pro",
    ),
    "bccd": ("bccd/images",),
    "bionet": ("normal_fields/bionet",),
    "chula": ("normal_fields/chula_wbc",),
    "iml": ("normal_fields/iml_malaria",),
    "other_all": ("other_all/fields",),
}
WITHOUT_WHITE_CELLS = ("iml",)
"""Laboratories whose fields hold hardly any: what passes for a nucleus there is none."""
PER_FOLDER = 24
_SIDE = 640
_DECIMALS = 5


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/leukolens/assess/laboratories.json"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    looks: dict[str, dict[str, float]] = {}
    counts: dict[str, dict[str, int]] = {}
    digest = hashlib.sha256()
    for name, folders in LABORATORIES.items():
        paths = [path for folder in folders for path in choose(arguments.data / folder)]
        measured = []
        for path in paths:
            digest.update(path.read_bytes())
            measured.append(measure_look(readable(path)))
        if name in WITHOUT_WHITE_CELLS:
            measured = [look | {key: float("nan") for key in LOOK if key.startswith("nucleus")} for look in measured]
        looks[name] = {key: median([look[key] for look in measured]) for key in LOOK}
        counts[name] = {key: sum(np.isfinite(look[key]) for look in measured) for key in LOOK}
        print(name, len(paths), {key: round(value, 3) for key, value in looks[name].items()})
    result = {
        "schema": "1",
        "kind": "differences between laboratories",
        "command": "python benchmarks/laboratories.py DATA --out src/leukolens/assess/laboratories.json",
        "meaning": LOOK,
        "laboratories": {
            name: {key: {"median": plain(look[key]), "pictures": int(counts[name][key])} for key in LOOK}
            for name, look in looks.items()
        },
        "differences": {
            key: {part: plain(value) for part, value in own.items()} for key, own in differences(looks).items()
        },
        "manifest": run_manifest("benchmarks/laboratories.py", {"per_folder": PER_FOLDER}, digest.hexdigest(), None),
    }
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    for key, own in differences(looks).items():
        print(f"{key:18s}", {part: round(value, 3) for part, value in own.items()})


def choose(folder: Path) -> list[Path]:
    """Return at most `PER_FOLDER` pictures at even distances in the order of their names."""
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp", ".tif")
    )
    places = np.linspace(0, len(paths) - 1, min(PER_FOLDER, len(paths))).round().astype(int)
    return [paths[place] for place in places]


def readable(path: Path) -> NDArray[np.uint8]:
    """Read a picture, reduced, its scale bar painted out."""
    rgb = read_image(path).pixels
    shrink = min(1.0, _SIDE / max(rgb.shape[:2]))
    small = np.asarray(cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    return paint_out(small, find_marks(small))


def median(values: list[float]) -> float:
    """Return the median of what is known; NaN where fewer than five pictures show it."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if len(known) >= 5 else float("nan")


def plain(value: float) -> float | None:
    """Round; None for NaN."""
    return round(value, _DECIMALS) if np.isfinite(value) else None


if __name__ == "__main__":
    main()
