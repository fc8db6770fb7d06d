from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from card_cases import make_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "made-up")


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """Two classes of two pictures each, one of them a copy, and a file that is no picture."""
    root = tmp_path / "fields"
    for number, name in enumerate(("A/1.png", "A/2.png", "B/1.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), np.full((16, 20, 3), 40 * number, np.uint8))
    (root / "B" / "2.png").write_bytes((root / "B" / "1.png").read_bytes())
    (root / "B" / "3.png").write_bytes(b"no picture")
    return root
