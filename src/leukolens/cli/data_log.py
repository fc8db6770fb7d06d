"""``leukolens data log``: who looked at which held-out images, when, and whether the log is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.cli.console import output_console
from leukolens.data.decision_log import LOG_FILE, Log, log_beside, missing_lines, read_log, recorded_lines
from leukolens.finding import CheckFailedError, DataError
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESULTS: Final = ("metrics.json", "summary.json", "bundle.json")


def show_log(place: Path, results: Sequence[Path], *, as_json: bool) -> None:
    """Print a log and check it.

    Parameters
    ----------
    place
        A split file, a folder of a run or of an evaluation, or the log itself.
    results
        Folders of evaluations, runs and bundles whose line must be in the log.
    as_json
        Print its lines and faults as JSON and nothing else.

    Raises
    ------
    DataError
        There is no log.
    CheckFailedError
        Its chain is broken, or a result's line is not in it.
    """
    path = find_log(place)
    try:
        log = read_log(path)
    except OSError as error:
        raise DataError(f"The log {str(path)!r} cannot be read", found=error.strerror) from error
    recorded = recorded_lines([_result(folder) for folder in results])
    lost = [f"The line that {name} caused is not in the log." for name in missing_lines(log, recorded)]
    faults = [*log.faults, *lost]
    _print(log, faults, as_json=as_json)
    if faults:
        raise CheckFailedError(f"The log {path.name} is not whole", found=" ".join(faults))


def find_log(place: Path) -> Path:
    """Return the log of a split file, of a folder, or the log itself.

    Raises
    ------
    DataError
        There is none.
    """
    path = place / LOG_FILE if place.is_dir() else place if place.suffix == ".jsonl" else log_beside(place)
    if path.exists():
        return path
    raise DataError(
        f"There is no log of decisions at {str(place)!r}",
        expected=path.name,
        found="nothing" if place.exists() else "no such place",
        todo="give a split file, or the folder of a run or an evaluation; the log begins with the first look",
    )


def _result(folder: Path) -> tuple[str, Any]:
    for name in _RESULTS:
        try:
            content = json.loads((folder / name).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{str(folder / name)!r} cannot be read", found=str(error)[:200]) from error
        inner = content.get("provenance") if isinstance(content, dict) and name == "bundle.json" else content
        return f"{folder.resolve().name}/{name}", inner
    raise DataError(f"{str(folder)!r} holds no result", expected=", ".join(_RESULTS))


def _print(log: Log, faults: Sequence[str], *, as_json: bool) -> None:
    console = output_console()
    if as_json:
        lines = [one.model_dump(by_alias=True, mode="json") for one in log.decisions]
        console.file.write(json.dumps({"lines": lines, "faults": list(faults)}, indent=2) + "\n")
        return
    table = Table(box=SIMPLE)
    for name in ("", "when", "opened", "images", "look", "by", "command", "reason"):
        table.add_column(name, overflow="fold")
    for one in log.decisions:
        by = ", ".join(f"{model.kind} {model.name} ({model.sha256[:8]})" for model in one.by)
        split = f" of split {one.opened.split_sha256[:8]}" if one.opened.split_sha256 else ""
        cells = (
            str(one.number),
            f"{one.time:%Y-%m-%d %H:%M}",
            f"{one.opened.words}{split}",
            str(one.opened.images),
            str(one.opening),
            by,
            one.command,
            one.reason or "",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    console.print("The chain is whole." if not faults else Text("\n".join(faults), style="red"))
