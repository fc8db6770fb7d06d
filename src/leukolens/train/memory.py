"""When memory does not suffice: find the batch that does, and say so."""

from __future__ import annotations

import contextlib
import copy
import gc
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from leukolens.finding import UsageError
from leukolens.train.batches import part_size
from leukolens.train.machine import Machine, half_precision
from leukolens.train.module import FieldModule
from leukolens.train.recipe import Recipe
from leukolens.train.schedule import build_optimiser, treatments

if TYPE_CHECKING:
    from leukolens.train.fit import Sides

_SIGNS: Final = ("can't allocate memory", "out of memory", "not enough memory", "status_alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out: of a CUDA or Apple card, or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def largest_fitting(step: Callable[[int], None], tried: int, least: int = 2) -> int | None:
    """Return the largest batch that fits, among the halves of one that did not; None if not even `least` does.

    Parameters
    ----------
    step
        Does what a training step does with so many samples.
    tried
        What did not fit.
    least
        The smallest batch worth trying.
    """
    size = tried // 2
    while size >= least:
        try:
            step(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
        finally:
            _release()
        size //= 2
    return None


def try_step(recipe: Recipe, classes: int, machine: Machine, size: int) -> None:
    """Do one training step with so many blank pictures, holding all that a run holds: moments and average too.

    A probe only looks at them.
    """
    device = machine.device
    network = FieldModule(recipe, classes, start=False).network.to(device)
    if recipe.probe is not None:
        blank = torch.zeros((size, recipe.preparation.height, recipe.preparation.width, 3), dtype=torch.uint8)
        with torch.inference_mode():
            network.eval().logits(blank.to(device))
        return
    network.train()
    averaged = copy.deepcopy(network) if recipe.average is not None else None
    optimiser = build_optimiser(network, treatments(network, recipe.optimiser), recipe.optimiser)
    shape = (size, recipe.preparation.height, recipe.preparation.width, 3)
    with torch.autocast(device.type, torch.bfloat16, enabled=half_precision(machine, recipe)):
        logits = network.logits(torch.zeros(shape, dtype=torch.uint8, device=device))
    loss: Any = nn.functional.cross_entropy(logits.float(), torch.zeros(size, dtype=torch.long, device=device))
    loss.backward()
    optimiser.step()
    del averaged


@contextlib.contextmanager
def told_if_out_of_memory(recipe: Recipe, sides: Sides, machine: Machine) -> Iterator[None]:
    """Turn running out of memory into advice: the batch that fits, and how to keep the one that was asked for.

    Raises
    ------
    UsageError
        If memory ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # Tracebacks hold on to what did not fit.
        reason = str(error).partition("\n")[0][:160]
        error.__traceback__ = None
    else:
        return
    _release()
    size = part_size(recipe.batch_size, machine.processes, recipe.accumulate)
    fits = largest_fitting(lambda number: try_step(recipe, len(sides.classes), machine, number), size)
    what = f"the memory of {machine.describe()} is too small for {size} samples at a time"
    raise UsageError(what, found=reason, todo=advice(recipe, machine, fits))


def advice(recipe: Recipe, machine: Machine, fits: int | None) -> str:
    """Say what to change, given how many samples fit at a time.

    A batch can only be kept where it has enough parts: each needs two samples, see `check_machine`.
    """
    if fits is None:
        return "not even 2 fit: choose smaller pictures (preparation.width, preparation.height) or a smaller network"
    whole = fits * machine.processes * recipe.accumulate
    batch = recipe.batch_size
    accumulate = min(part_size(batch, machine.processes * fits, 1), batch // (2 * machine.processes))
    near = fits * accumulate * machine.processes
    smaller = f"{fits} fit: --set batch_size={whole}"
    if near >= batch:
        return f"{smaller}, or --set accumulate={accumulate} to keep the batch of {batch}"
    if near <= whole:
        return smaller
    return f"{smaller}, or --set batch_size={near} --set accumulate={accumulate} to come near the batch of {batch}"


def _release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
