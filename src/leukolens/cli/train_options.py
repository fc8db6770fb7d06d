"""What the verbs that train share: their options, and how several processes come to be."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data.catalogue import Catalogue

Reason = Annotated[
    str | None, typer.Option(help="Why the test side is looked at; kept in the log of decisions beside the split.")
]
Accelerator = Annotated[str, typer.Option(help="auto (an NVIDIA card where there is one), cpu or gpu.")]


def check_command(processes: int) -> None:
    """See that the other processes can be started: Lightning starts this very command once more for each.

    Raises
    ------
    UsageError
        If several processes are asked for, and this one is not the command line's own.
    """
    started = "LOCAL_RANK" in os.environ or "SLURM_PROCID" in os.environ
    own = "train" in sys.argv[1:3] and sys.argv[0] != "-c"
    if processes > 1 and not started and not own:
        raise UsageError(
            "several processes can only be started from the command line",
            expected="leukolens train ... in a terminal, or torchrun",
            found=f"a call from {sys.argv[0]!r}",
        )


def open_hashed(
    data: Path, columns: dict[str, str | None], *, labels: Path | None, negative: list[str] | None, progress: bool
) -> Catalogue:
    """Open a data set and hash its pictures, with a bar; see `leukolens.data.layouts.open_catalogue`."""
    from leukolens.cli.progress import counting
    from leukolens.data.catalogue import fingerprint
    from leukolens.data.layouts import open_catalogue

    options: dict[str, Any] = dict(columns)
    catalogue = open_catalogue(data, labels=labels, negative=negative, **options)
    with counting("Hashing", len(catalogue), shown=progress) as advance:
        return fingerprint(catalogue, progress=advance)
