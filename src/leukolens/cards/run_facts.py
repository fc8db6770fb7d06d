"""What a training run's folder knows beside its bundle: sizes, time, device, and who looked at its test side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leukolens.cards.evidence import read_json
from leukolens.cards.facts import in_words
from leukolens.data.decision_log import LOG_FILE, read_log
from leukolens.finding import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.cards.facts import FactBook, File
    from leukolens.engine.spec import Provenance

TRAINING: Final = "training.json"
SUMMARY: Final = "summary.json"
_HASHES: Final = ("data_sha256", "split_sha256")


def add_run_facts(book: FactBook, folder: Path, provenance: Provenance) -> None:
    """Add what a run says.

    Parameters
    ----------
    book
        Gets facts named ``run.`` and ``openings``.
    folder
        Of the finished run that the bundle was exported from.
    provenance
        Of the bundle.

    Raises
    ------
    DataError
        The folder holds no finished run, or one of other data or another split than the bundle.
    """
    for name in (TRAINING, SUMMARY):
        if not (folder / name).is_file():
            raise DataError(
                f"{str(folder)!r} holds no finished run", expected=f"{TRAINING} and {SUMMARY}", found=f"no {name}"
            )
    shown = folder.resolve().name
    raw, training = read_json(folder / TRAINING)
    identity = training.get("run", {}) if isinstance(training, dict) else {}
    _check_same(folder, identity, provenance)
    _add_training(book, book.file(f"{shown}/{TRAINING}", raw), identity, training.get("manifest") or {})
    raw, summary = read_json(folder / SUMMARY)
    _add_summary(book, book.file(f"{shown}/{SUMMARY}", raw), summary)
    _add_log(book, folder, shown)


def _check_same(folder: Path, identity: dict[str, Any], provenance: Provenance) -> None:
    for key in _HASHES:
        wanted, found = getattr(provenance, key), identity.get(key)
        if wanted and found != wanted:
            raise DataError(
                f"The run {str(folder)!r} is not the one that the bundle comes from",
                expected=f"{key} {wanted[:16]}...",
                found=f"{str(found)[:16]}...",
                todo="give the run that was exported",
            )


def _add_training(book: FactBook, file: File, identity: dict[str, Any], manifest: dict[str, Any]) -> None:
    if "split_leaky" in identity:
        leaky = (
            "LEAKY: images that show the same thing can stand on two sides" if identity["split_leaky"] else "not leaky"
        )
        book.add("run.split", f"The run's split is {leaky}.", file.at("run", "split_leaky"))
    if manifest:
        machine = {key: manifest[key] for key in ("time", "python", "platform", "cores") if key in manifest}
        book.add("run.machine", f"Trained: {in_words(machine)}.", file.at("manifest"))


def _add_summary(book: FactBook, file: File, summary: dict[str, Any]) -> None:
    pictures = summary.get("pictures")
    if isinstance(pictures, dict):
        sides = ", ".join(f"{name} {count}" for name, count in pictures.items())
        book.add("run.pictures", f"Pictures on each side: {sides}.", file.at("pictures"))
    if isinstance(summary.get("seconds"), int | float):
        book.add(
            "run.time",
            f"Training took {summary['seconds'] / 60:.1f} minutes on {summary.get('device', 'a device not recorded')}.",
            file.at("seconds"),
        )
    told = summary.get("test_openings")
    if isinstance(told, dict):
        book.add("openings", f"In training: {told.get('sentence', '')}", file.at("test_openings", "sentence"))


def _add_log(book: FactBook, folder: Path, shown: str) -> None:
    path = folder / LOG_FILE
    if not path.is_file():
        return
    log = read_log(path)
    file = book.file(f"{shown}/{LOG_FILE}", path.read_bytes())
    looks = [one for one in log.decisions if one.opened.side == "test"]
    if looks:
        last = looks[-1]
        book.add(
            "openings",
            f"The run's log holds {len(looks)} looks at its test side, first on {looks[0].time:%Y-%m-%d}, last on "
            f"{last.time:%Y-%m-%d} by {last.command.split()[1] if ' ' in last.command else last.command}.",
            file.at(),
        )
    for fault in log.faults:
        book.add("openings", f"The log is broken: {fault}", file.at())
