"""What the verbs that train share: their options, and how several processes come to be."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from leukolens.finding import UsageError

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
