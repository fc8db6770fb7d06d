from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[[Path, int], Path]
Tree = Callable[..., Path]


def draw_image(path: Path, seed: int, size: tuple[int, int] = (20, 16)) -> Path:
    """Write a small picture whose pixels depend on the seed alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def draw() -> Draw:
    return draw_image


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a tree of pictures: ``tree({"A": ["1.png", "2.png"]})``; every picture is another one."""

    def make(folders: Mapping[str, list[str]], root: Path = tmp_path / "data") -> Path:
        seed = 0
        for folder, names in folders.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                draw_image(root / folder / name, seed := seed + 1)
        return root

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / "../shared/data").resolve()
    if not (folder / "taleqani" / "Original").is_dir():
        pytest.skip(f"the real images are not at {folder}: set LEUKOLENS_DATA")
    return folder
