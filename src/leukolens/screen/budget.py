"""How many pixels may be decoded at once, so that memory does not grow with the number of threads."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import CancelledError
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

BUDGET_PIXELS: Final = 96_000_000
"""Sixteen pictures of a 5-megapixel camera go side by side; two of the largest that are read by default do not. With
up to 20 bytes a pixel, decoding takes at most about 2 GiB, however many threads there are."""


_LARGE: Final = 8_000_000
"""Pixels from which on it is worth milliseconds to have the memory back."""


class PixelBudget:
    """Lets threads decode side by side while their pictures have no more pixels together than the budget.

    A picture that exceeds the budget by itself goes when it is alone, so that one is always let in. Whoever waits
    holds nothing, so there is no deadlock. Small pictures may pass a large one that waits: a run has only a handful
    under way and hands them on in order, so that it soon comes to wait for the large one.

    Parameters
    ----------
    pixels
        The budget.
    """

    def __init__(self, pixels: int = BUDGET_PIXELS) -> None:
        self._pixels = pixels
        # By turn rather than as a sum: an interrupt between two statements cannot leave a sum that is wrong for good.
        self._taken: dict[object, int] = {}
        self._changed = Condition()

    @contextmanager
    def turn(self, stop: Event | None = None) -> Iterator[Callable[[int], None]]:
        """Give room for one picture, and take it back at the end.

        Parameters
        ----------
        stop
            Once it is set and `wake` was called, those that wait for room give up.

        Yields
        ------
        callable
            To be called once with the number of pixels, as soon as that is known. It waits for room, and raises
            `CancelledError` where `stop` is set.
        """
        me = object()

        def take(pixels: int) -> None:
            with self._changed:
                self._changed.wait_for(lambda: _is_set(stop) or self._has_room(pixels))
                if _is_set(stop):
                    raise CancelledError
                self._taken[me] = pixels

        try:
            yield take
        finally:
            if self._taken.get(me, 0) >= _LARGE:
                _return_memory()
            with self._changed:
                if self._taken.pop(me, None) is not None:
                    self._changed.notify_all()

    def wake(self) -> None:
        """Let those that wait look again whether they were stopped."""
        with self._changed:
            self._changed.notify_all()

    def _has_room(self, pixels: int) -> bool:
        return not self._taken or sum(self._taken.values()) + pixels <= self._pixels


def _return_memory() -> None:
    """Hand freed memory back to the system.

    The C library of Linux keeps it for the thread that freed it: half a gigabyte for each thread that ever decoded
    64 megapixels, which would add up as if all decoded at once. Other systems, and other libraries, do not.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _is_set(stop: Event | None) -> bool:
    return stop is not None and stop.is_set()
