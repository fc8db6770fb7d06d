from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from leukolens.data.committed import Committed, committed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_file_in_no_work_tree_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "groups.csv").write_text("x")
    assert committed(tmp_path / "groups.csv") == Committed(in_work_tree=False)
    monkeypatch.setenv("PATH", "")
    assert committed(tmp_path / "groups.csv") == Committed(in_work_tree=False)


def test_a_file_counts_as_committed_as_long_as_it_is_that_of_the_commit(tmp_path: Path) -> None:
    file = tmp_path / "own groups.csv"
    file.write_text("x")
    git(tmp_path, "init", "-q")
    assert committed(file) == Committed(in_work_tree=True)
    git(tmp_path, "add", ".")
    assert committed(file) == Committed(in_work_tree=True)
    git(tmp_path, "commit", "-qm", "Groups")
    found = committed(file)
    assert found.committed
    assert found.commit == git(tmp_path, "rev-parse", "HEAD")
    assert found.time is not None
    file.write_text("y")
    assert not committed(file).committed
    assert committed(file).commit == found.commit
    git(tmp_path, "add", ".")
    assert not committed(file).committed
