"""Every benchmark starts: what it imports is there under that name."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

for package in ("resource", "torch", "sklearn", "skimage", "psutil"):
    pytest.importorskip(package, reason="the benchmarks need Linux or macOS, and leukolens[train,dev]")

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_a_benchmark_can_be_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    importlib.import_module(name)
