"""Ways to call the command line, and pictures to give to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

import leukolens

SOURCES = Path(leukolens.__file__).parent.parent


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Answer]


def spawn(*arguments: object, environment: dict[str, str] | None = None, **options: object) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    paths = os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "leukolens.cli.main", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONUTF8": "0"} | (environment or {}),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options,
    )


def draw(seed: int = 0, width: int = 320, height: int = 240) -> np.ndarray:
    """A plain field: pale ground, red cells, one nucleus."""
    rng = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), (238, 232, 236), np.uint8)
    for _ in range(40):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(rgb, centre, 11, (205, 160, 170), -1, cv2.LINE_AA)
    cv2.circle(rgb, (width // 2, height // 2), 22, (105, 60, 150), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(rgb, (0, 0), 0.8)
