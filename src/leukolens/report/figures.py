"""Figures that travel with a bundle, laid out as rows. Their names are the trainer's; nothing is dropped or renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from leukolens.report.words import visible

MAX_ROWS: Final = 60


class Figure(NamedTuple):
    """One measured figure: what, and how much, with its interval where it has one."""

    name: str
    value: str


def figure_rows(figures: Mapping[str, Any]) -> list[Figure]:
    """Flatten nested figures, at most `MAX_ROWS` of them.

    Parameters
    ----------
    figures
        As of ``provenance.figures`` in ``bundle.json``. A mapping with `value`, `low` and `high` is one figure.

    Returns
    -------
    list of Figure
        In the order given.

    Examples
    --------
    >>> figure_rows({"test": {"accuracy": {"value": 0.991, "low": 0.98, "high": 0.997}}})
    [Figure(name='test · accuracy', value='0.991 (0.98 to 0.997)')]
    """
    rows = [Figure(visible(" · ".join(path)), visible(text)) for path, text in _walk(figures, ())]
    if len(rows) > MAX_ROWS:
        return [*rows[:MAX_ROWS], Figure("more", f"{len(rows) - MAX_ROWS} further figures in bundle.json")]
    return rows


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        if {"value", "low", "high"} <= value.keys():
            yield path, f"{_text(value['value'])} ({_text(value['low'])} to {_text(value['high'])})"
            return
        for key, inner in value.items():
            yield from _walk(inner, (*path, str(key).replace("_", " ")))
    elif isinstance(value, Sequence) and not isinstance(value, str) and not all(map(_is_plain, value)):
        for number, inner in enumerate(value, start=1):
            yield from _walk(inner, (*path, str(number)))
    else:
        yield path, _text(value)


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - JSON
    return value is None or isinstance(value, str | int | float)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)
