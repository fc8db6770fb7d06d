"""What reading every image of a data set tells: counts, sizes, copies, contradictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.cards.facts import in_words, table_of

if TYPE_CHECKING:
    from leukolens.cards.facts import FactBook, File
    from leukolens.data.check import DataCheck

CHECK_FILE = "check.json"


def add_data_facts(book: FactBook, check: DataCheck) -> None:
    """Add what a check of a data set found, as facts named ``data.``; their file is ``check.json``."""
    file = book.file(CHECK_FILE, check.to_json().encode())
    book.add(
        "data.identity",
        f"Layout {check.layout}; SHA-256 over all paths and files "
        f"{check.catalogue_sha256 or 'not known: a file cannot be read'}, of the manifest {check.manifest_sha256}.",
        file.at("layout"),
        file.at("catalogue_sha256"),
        file.at("manifest_sha256"),
    )
    shares = [(name, n, f"{n / check.images:.1%}") for name, n in check.classes.items()]
    book.add(
        "data.count",
        f"{check.images} images ({check.bytes / 1e6:.1f} MB) in {len(check.classes)} classes.",
        file.at("images"),
        file.at("bytes"),
        file.at("classes"),
        table=table_of(("class", "images", "share"), shares),
    )
    sizes = ", ".join(f"{one.width} x {one.height} px ({one.n})" for one in check.sizes[:5])
    more = f" and {len(check.sizes) - 5} other sizes" if len(check.sizes) > 5 else ""
    book.add(
        "data.instances",
        f"One image each: {sizes}{more}; formats {in_words(check.formats)}; colour modes {in_words(check.modes)}.",
        file.at("sizes"),
        file.at("formats"),
        file.at("modes"),
    )
    book.add("data.labels", f"Each image has one label: {', '.join(check.classes)}.", file.at("classes"))
    if check.negative:
        book.add("data.negative", f"Classes that mean no leukaemia: {', '.join(check.negative)}.", file.at("negative"))
    _add_people(book, file, check)
    _add_flaws(book, file, check)
    for number, note in enumerate(check.notes):
        book.add("data.left-out", note, file.at("notes", number))


def _add_people(book: FactBook, file: File, check: DataCheck) -> None:
    if check.patients:
        book.add("data.patients", f"{check.patients} patients are named.", file.at("patients"))
    else:
        book.add(
            "data.no-patients",
            "No patients are named, so it cannot be told which images are of one person, and no split can be by "
            "patient.",
            file.at("patients"),
        )


def _add_flaws(book: FactBook, file: File, check: DataCheck) -> None:
    copies = [found for found in check.duplicates if found.same == "bytes"]
    alike = [found for found in check.duplicates if found.same == "pixels"]
    book.add(
        "data.duplicates",
        f"Exact copies: {len(copies)} sets with {sum(len(one.paths) for one in copies)} files have the same bytes, "
        f"{len(alike)} further sets the same pixels.",
        file.at("duplicates"),
    )
    twice = f"{len(check.conflicts)} images stand" if check.conflicts else "No image stands"
    book.add("data.conflicts", f"{twice} there under two labels or two patients.", file.at("conflicts"))
    words = f"{len(check.unreadable)} files cannot be read as images." if check.unreadable else "All files can be read."
    book.add("data.unreadable", words, file.at("unreadable"))
    if check.reading:
        book.add("data.reading", f"Done to read them: {in_words(check.reading)}.", file.at("reading"))
