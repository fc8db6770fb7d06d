"""Protocols of a benchmark: how all images come to be predicted once by a network that did not learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.splitting import make_split
from leukolens.finding import DataError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.data import Catalogue, Groups, Method, Split

_METHODS: Final[dict[str, Method]] = {
    "literature": "random-image",
    "grouped": "grouped",
    "embargo": "blocks",
    "leave-one-laboratory-out": "leave-one-laboratory-out",
}
DEFAULT: Final = ("grouped", "literature")
_WORDS: Final = {
    "literature": "split at random by image, as the literature on these images does",
    "grouped": "whole patients, or whole recovered sessions, held out",
    "embargo": "contiguous blocks of files held out, with an embargo of {} files",
    "leave-one-laboratory-out": "each laboratory held out once",
}


@dataclass(frozen=True)
class Protocol:
    """One protocol.

    Attributes
    ----------
    kind
        "literature", "grouped", "embargo" or "leave-one-laboratory-out".
    embargo
        Files left out around a held-out block; 0 without blocks.
    """

    kind: str
    embargo: int = 0

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"{self.kind}:{self.embargo}" if self.kind == "embargo" else self.kind

    @property
    def folder(self) -> str:
        """Name of the folder that its folds lie in."""
        return self.name.replace(":", "-")

    @property
    def words(self) -> str:
        """What is held out."""
        return _WORDS[self.kind].format(self.embargo)


def parse_protocols(texts: Sequence[str]) -> tuple[Protocol, ...]:
    """Return the protocols named on a command line, "grouped" and "literature" where none is.

    Raises
    ------
    UsageError
        An unknown name, an embargo that is no number, or one protocol twice.
    """
    found = tuple(_parse(text) for text in texts or DEFAULT)
    for protocol in found:
        if found.count(protocol) > 1:
            raise UsageError(f"The protocol {protocol.name!r} is named twice", expected="each once")
    return found


def _parse(text: str) -> Protocol:
    kind, colon, number = text.strip().partition(":")
    if kind not in _METHODS:
        known = ["embargo:37" if name == "embargo" else name for name in _METHODS]
        raise UsageError(f"There is no protocol {text!r}", todo=nearest(kind, known))
    if kind == "embargo":
        if not number.isdecimal():
            raise UsageError(f"--protocol {text}", expected="embargo:N, such as embargo:37", found=repr(text))
        return Protocol(kind, int(number))
    if colon:
        raise UsageError(f"--protocol {text}", expected=kind, found=repr(text), todo="only embargo has a number")
    return Protocol(kind)


def split_by(
    protocol: Protocol,
    catalogue: Catalogue,
    *,
    groups: Groups | None,
    folds: int | None,
    validation: float | Literal["none"],
    seed: int,
) -> Split:
    """Make the split of a protocol.

    Parameters
    ----------
    protocol
        Which.
    catalogue
        Fingerprinted.
    groups
        Recovered groups, where there are any.
    folds, validation, seed
        See `leukolens.data.splitting.make_split`; laboratories make folds of their own.

    Raises
    ------
    UsageError
        One fold, which would predict a part of the images only.
    DataError
        What the protocol needs is not there: patients or groups, laboratories, images enough.
    """
    if folds is not None and folds < 2:
        raise UsageError("A benchmark predicts every image once", expected="--folds 2 or more", found=str(folds))
    if protocol.kind == "grouped" and groups is None and any(item.patient is None for item in catalogue.items):
        raise DataError(
            "The protocol 'grouped' is not started without patients or groups",
            expected="a patient for every image (--patient-column), or the groups.csv of an audit (--groups)",
            found="neither",
            todo="run 'leukolens audit DATA --out DIR', commit its groups.csv, and give it with --groups",
        )
    return make_split(
        catalogue,
        method=_METHODS[protocol.kind],
        folds=None if protocol.kind == "leave-one-laboratory-out" else folds,
        seed=seed,
        validation=validation,
        embargo=protocol.embargo,
        recovered=groups,
    )
