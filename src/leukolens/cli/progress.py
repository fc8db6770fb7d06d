"""The progress bar, as all verbs of the core show it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from leukolens.cli.console import error_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class RateColumn(ProgressColumn):
    """How many are done a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of one task, empty until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="progress.data.speed")


def new_progress() -> Progress:
    """Return a progress bar on standard error that goes away when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=error_console(),
        transient=True,
    )


@contextmanager
def counting(what: str, total: int, *, shown: bool = True) -> Iterator[Callable[[int], None] | None]:
    """Show a bar on a terminal, from the first step to the last, and nothing elsewhere.

    Parameters
    ----------
    what
        What is being done, in a word.
    total
        How many steps there are.
    shown
        False shows nothing at all.

    Yields
    ------
    callable or None
        To be called with the number of steps done.
    """
    if not shown or not error_console().is_terminal:
        yield None
        return
    with ExitStack() as stack:
        bar = new_progress()
        task = bar.add_task(what, total=total)

        def advance(done: int) -> None:
            if not bar.live.is_started:  # the first step, or a later one where the first ones were skipped
                stack.enter_context(bar)
            bar.update(task, completed=done)
            if done == total:  # what follows inside may show its own
                stack.close()

        yield advance
