from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="needs leukolens[site]")
pytest.importorskip("yaml", reason="needs leukolens[site]")

sys.path.insert(0, str(Path(__file__).resolve().parent))

from site_folders import go, make_laboratory, plan


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return make_laboratory(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture
def own(laboratory: Path, tmp_path: Path) -> Path:
    """A laboratory of one's own, to spoil."""
    return Path(shutil.copytree(laboratory, tmp_path / "laboratory"))


@pytest.fixture(scope="session")
def screened(laboratory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verification with readings, just before unblinding. Not to be written to."""
    folder = tmp_path_factory.mktemp("verification") / "site"
    assert go(laboratory, folder, until="readings") == 0
    return folder


@pytest.fixture
def site(screened: Path, laboratory: Path, tmp_path: Path) -> Path:
    """The same, to go on with."""
    return Path(shutil.copytree(screened, tmp_path / "site"))


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A verification with a plan and nothing else."""
    assert plan(tmp_path / "site") == 0
    return tmp_path / "site"
