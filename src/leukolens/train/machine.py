"""On what a run is trained: processor or graphics cards, one process or several, one machine or several.

None of this is part of a recipe: the batch of a recipe is divided over the processes, so that the same recipe gives the
same network up to rounding, batch statistics (each process has those of its own samples) and the draws of dropout and
mixing.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from leukolens.finding import UsageError, nearest
from leukolens.train.recipe import Recipe

STRATEGIES: Final = ("auto", "ddp", "fsdp")
ACCELERATORS: Final = ("auto", "cpu", "gpu")
_PATIENCE: Final = timedelta(hours=12)  # of processes that wait while another prepares pictures or predicts


@dataclass(frozen=True)
class Machine:
    """What a run is trained on.

    Attributes
    ----------
    accelerator
        "auto": an NVIDIA card where there is one, else the processor; "cpu"; "gpu": any card that PyTorch knows.
    devices
        Processes on each node, each with a card of its own where cards are used.
    nodes
        Machines.
    strategy
        One of Lightning's: "auto" is one process, or "ddp" for several.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"

    @property
    def processes(self) -> int:
        """Return how many processes there are on all nodes together."""
        return self.devices * self.nodes

    @property
    def gpu(self) -> bool:
        """Return whether graphics cards are used."""
        return self.accelerator == "gpu" or (self.accelerator == "auto" and torch.cuda.is_available())

    @property
    def device(self) -> torch.device:
        """Return the device of this process, as PyTorch names it."""
        return torch.device(("cuda" if torch.cuda.is_available() else "mps") if self.gpu else "cpu")

    @property
    def rank(self) -> int:
        """Return the number of this process among all, known before the processes have met."""
        for name in ("RANK", "SLURM_PROCID"):
            if name in os.environ and self.processes > 1:
                return int(os.environ[name])
        if self.processes == 1:
            return 0
        return int(os.environ.get("NODE_RANK", "0")) * self.devices + int(os.environ.get("LOCAL_RANK", "0"))

    def describe(self) -> str:
        """Return the device in words, such as "NVIDIA A100 x 4"."""
        name = "cpu"
        if self.gpu:
            name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "gpu"
        return name if self.processes == 1 else f"{name} x {self.processes}"


def choose_machine(
    accelerator: str = "auto", devices: str | None = None, nodes: int | None = None, strategy: str = "auto"
) -> Machine:
    """Return the machine that options ask for.

    Parameters
    ----------
    accelerator, strategy
        See `Machine`.
    devices, nodes
        A number or "auto", and a number. Where not given: what torchrun started, else 1.

    Raises
    ------
    UsageError
        For an unknown name, more cards than there are, or numbers that torchrun was not started with.
    """
    for option, value, known in (("accelerator", accelerator, ACCELERATORS), ("strategy", strategy, STRATEGIES)):
        if value not in known:
            raise UsageError(f"--{option} {value}", todo=nearest(value, known))
    cards = torch.cuda.device_count() or int(torch.backends.mps.is_available())
    if accelerator == "gpu" and not cards:
        raise UsageError("--accelerator gpu", expected="a graphics card that PyTorch can use", found="none")
    started = _started_by_torchrun()
    chosen = Machine(accelerator, _number(devices, cards, started[0]), nodes or started[1], strategy)
    if devices == "auto" and not chosen.gpu:
        chosen = Machine(accelerator, 1, chosen.nodes, strategy)
    if chosen.gpu and chosen.devices > cards:
        raise UsageError(f"--devices {chosen.devices}", expected=f"at most {cards} here", todo="or --accelerator cpu")
    if started != (1, 1) and (chosen.devices, chosen.nodes) != started:
        raise UsageError(
            f"--devices {chosen.devices} --nodes {chosen.nodes}",
            expected="what torchrun was started with",
            found=f"{started[0]} processes on each of {started[1]} nodes",
            todo="leave both options out",
        )
    return chosen


def check_machine(machine: Machine, recipe: Recipe) -> None:
    """See that a recipe can be trained on a machine.

    Raises
    ------
    UsageError
        If the batch is too small to be divided, or the strategy cannot do what the recipe asks for.
    """
    if recipe.probe is not None and machine.processes > 1:
        raise UsageError(
            f"a probe on {machine.processes} processes",
            expected="one process: the head is fitted at once",
            todo="leave --devices and --nodes at 1, or set probe=null",
        )
    parts = machine.processes * recipe.accumulate
    if recipe.batch_size < 2 * parts:
        raise UsageError(
            f"a batch of {recipe.batch_size} for {machine.processes} processes and accumulate={recipe.accumulate}",
            expected=f"at least {2 * parts}, so that each part has two samples",
            todo=f"--set batch_size={2 * parts}, or fewer processes",
        )
    if machine.strategy != "fsdp":
        return
    if not machine.gpu:
        raise UsageError("--strategy fsdp", expected="graphics cards", found="none", todo="use --strategy ddp")
    for name, value in (("average", recipe.average), ("optimiser.clip", recipe.optimiser.clip)):
        if value is not None:
            raise UsageError(
                f"--strategy fsdp cannot do what the recipe's {name} asks for, since no process has the whole network",
                found=f"{name}={value}",
                todo=f"--set {name}=null, or --strategy ddp",
            )


def trainer_options(machine: Machine, recipe: Recipe, *, unused: bool = False) -> dict[str, Any]:
    """Return what Lightning's trainer has to know of the machine; `unused`: some parameters may have no gradient."""
    strategy: Any = machine.strategy
    if machine.processes > 1 and strategy in {"auto", "ddp"}:
        strategy = _ddp(unused=unused)
    return {
        "accelerator": "gpu" if machine.gpu else "cpu",
        "devices": machine.devices,
        "num_nodes": machine.nodes,
        "strategy": strategy,
        "precision": "bf16-mixed" if half_precision(machine, recipe) else "32-true",
        "deterministic": "warn" if machine.gpu else True,
        "use_distributed_sampler": False,  # batches are dealt by leukolens, see `leukolens.train.batches`
    }


def half_precision(machine: Machine, recipe: Recipe) -> bool:
    """Return whether the network computes in bf16: by the recipe, or where it leaves that open on an NVIDIA card."""
    return recipe.precision == "bf16" or (recipe.precision == "auto" and machine.gpu and torch.cuda.is_available())


def _ddp(*, unused: bool) -> DDPStrategy:
    # Batch statistics are averaged at the end of an epoch instead. The option has a new name since PyTorch 2.14 or so.
    known = inspect.signature(DistributedDataParallel.__init__).parameters
    options: dict[str, Any] = {
        "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False
    }
    return DDPStrategy(**options, find_unused_parameters=unused, timeout=_PATIENCE)


def _number(devices: str | None, cards: int, started: int) -> int:
    if devices is None:
        return started
    if devices == "auto":
        return max(1, cards)
    if not devices.isdigit() or int(devices) < 1:
        raise UsageError(f"--devices {devices}", expected="a number from 1, or 'auto'", found=repr(devices))
    return int(devices)


def _started_by_torchrun() -> tuple[int, int]:
    """Return processes a node and nodes; (1, 1) where torchrun started nothing."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 1, 1
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return local, int(os.environ["WORLD_SIZE"]) // local
