"""Work on many things at once and hand the results on in order, with a bound on what is held."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")
R = TypeVar("R")


def map_ordered(
    work: Callable[[T], R], items: Iterable[T], *, workers: int, on_end: Callable[[], None] | None = None
) -> Generator[R]:
    """Apply `work` to each item in threads; yield results in the order of the items.

    At most ``3 * workers`` items are begun or waiting to be taken, however slow the reader of the results is, so that
    memory does not grow with their number. Where reading stops early (an error, Ctrl-C), what has not begun is dropped.

    Parameters
    ----------
    work
        Called in several threads at once. What it raises is raised where its result would have come.
    items
        Read in the caller's thread, as needed.
    workers
        Number of threads.
    on_end
        Called when nothing more is wanted, before the threads are waited for: to free those that wait for each other.
    """
    source = iter(items)
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="leukolens")
    try:
        waiting.extend(pool.submit(work, item) for item in islice(source, 3 * workers))
        while waiting:
            result = waiting.popleft().result()
            # Refilled before the result is handed on: the threads work while the reader does.
            waiting.extend(pool.submit(work, item) for item in islice(source, 1))
            yield result
    finally:
        if on_end is not None:
            on_end()
        pool.shutdown(wait=True, cancel_futures=True)
