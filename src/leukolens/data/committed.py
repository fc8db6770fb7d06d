"""Whether a file was committed to git: who fixes groups before training can show that it was so."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Committed:
    """What git knows of a file.

    Attributes
    ----------
    in_work_tree
        Whether it lies in one at all.
    committed
        Whether the file as it is now is the one of the last commit.
    commit, time
        The last commit that changed it, and when that was made (ISO 8601); None where there is none.
    """

    in_work_tree: bool
    committed: bool = False
    commit: str | None = None
    time: str | None = None


def committed(path: Path) -> Committed:
    """Ask git about a file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Committed
        Without git, or outside a work tree, nothing is known.
    """
    path = path.resolve()
    try:
        if _git(path, "rev-parse", "--is-inside-work-tree") != "true":
            return Committed(in_work_tree=False)
    except (OSError, subprocess.SubprocessError):
        return Committed(in_work_tree=False)
    try:
        _git(path, "ls-files", "--error-unmatch", "--", path.name)
        clean = not _git(path, "status", "--porcelain", "--", path.name)
        commit, _, time = _git(path, "log", "-1", "--format=%H %cI", "--", path.name).partition(" ")
    except (OSError, subprocess.SubprocessError):  # not tracked, or no commit yet
        return Committed(in_work_tree=True)
    return Committed(True, clean and bool(commit), commit or None, time or None)


def _git(path: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments and the name of a file after "--"
        ["git", "-C", str(path.parent), *arguments],  # noqa: S607 - whatever git the user has
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
