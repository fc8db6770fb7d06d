"""Rendered data sets with planted copies, contradictions, outliers and blurred pictures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from leukolens.data.run_manifest import run_manifest
from leukolens.smear.synth import Content, Style, render_field

SIDE = 160
MANIFEST = run_manifest("audit", {"command_line": "leukolens audit planted"}, None, 88)


def render(seed: int, style: str = "violet", content: str = "all") -> np.ndarray:
    """A field of 0.3 um per px, so that a picture of 160 px shows a few dozen cells."""
    named = {"style": Style.named(style), "content": Content.named(content)}
    return render_field(seed, width=SIDE, height=SIDE, um_per_px=0.3, **named).pixels


def save(path: Path, rgb: np.ndarray, quality: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [] if quality is None else [cv2.IMWRITE_JPEG_QUALITY, quality]
    assert cv2.imwrite(str(path), rgb[..., ::-1], options)
    return path


class Planted(NamedTuple):
    """A data set and what was planted in it, by path."""

    root: Path
    near: set[frozenset[str]]
    exact: tuple[str, str]
    conflict: tuple[str, str]
    wrong: set[str]
    odd: str
    blurred: str
    dark: str


def plant(root: Path, each: int = 26) -> Planted:
    """Two classes of another stain and content, with one of each kind of trouble."""
    fields = {"blast": ("violet", "all", 0), "normal": ("slate", "benign", 1000)}
    for label, (style, content, first) in fields.items():
        for number in range(each):
            save(root / label / f"{number + 1}.png", render(first + number, style, content))
    blast = render(3)
    save(root / "blast" / "a-turned.jpg", np.rot90(blast), 85)
    save(root / "blast" / "a-mirrored.png", np.ascontiguousarray(blast[:, ::-1]))
    save(root / "blast" / "a-shrunk.jpg", cv2.resize(blast, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA), 80)
    copy = (root / "blast" / "5.png").read_bytes()
    (root / "blast" / "b-copy.png").write_bytes(copy)
    save(root / "normal" / "c-conflict.jpg", render(6), 90)
    wrong = {"blast/d-wrong.png", "normal/d-wrong.png"}
    save(root / "blast" / "d-wrong.png", render(2000, "slate", "benign"))
    save(root / "normal" / "d-wrong.png", render(2001, "violet", "all"))
    checks = (np.indices((SIDE, SIDE)).sum(axis=0) // 10 % 2)[..., None] * np.uint8(255)
    save(root / "normal" / "e-odd.png", np.concatenate([checks, 255 - checks, checks // 2], axis=2).astype(np.uint8))
    save(root / "blast" / "f-blurred.png", cv2.GaussianBlur(render(2002), (0, 0), 5.0))
    save(root / "blast" / "g-dark.png", (render(2003) * 0.3).astype(np.uint8))
    original = "blast/4.png"
    near = {frozenset((original, f"blast/a-{what}")) for what in ("turned.jpg", "mirrored.png", "shrunk.jpg")}
    return Planted(
        root,
        near,
        ("blast/5.png", "blast/b-copy.png"),
        ("blast/7.png", "normal/c-conflict.jpg"),
        wrong,
        "normal/e-odd.png",
        "blast/f-blurred.png",
        "blast/g-dark.png",
    )


def write_table(
    path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("path", "label", "patient")
) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path
