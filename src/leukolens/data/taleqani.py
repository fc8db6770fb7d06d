"""The ALL data set of Taleqani Hospital: where it comes from, and how it is fetched with the user's own access."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import TALEQANI_LAYOUT, Catalogue
from leukolens.data.download import Progress, download
from leukolens.data.kaggle import AccessError
from leukolens.data.layouts import open_catalogue
from leukolens.data.unpack import unpack
from leukolens.finding import DataError
from leukolens.finding.output import try_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = "https://www.kaggle.com/datasets/mehradaria/leukemia"
DOI: Final = "10.34740/KAGGLE/DSV/2175623"
ARCHIVE_URL: Final = "https://www.kaggle.com/api/v1/datasets/download/mehradaria/leukemia"
COUNTS: Final = {"Benign": 504, "Early Pre-B": 985, "Pre-B": 963, "Pro-B": 804}
"""Images of each class in the data set as published."""

_ARCHIVE: Final = "leukemia.zip"
_BY_HAND: Final = ("archive.zip", "leukemia.zip")
_FOLDERS: Final = ("Segmented", "Original")  # Original last: where it is, all is


def instructions(to: Path) -> str:
    """Say what to fetch by hand and where to put it.

    Parameters
    ----------
    to
        The folder that was wanted.
    """
    return f"""\
The data set of Taleqani Hospital can be fetched by hand:
  1. Open {PAGE} (DOI {DOI}), sign in, press Download.
  2. Put the file archive.zip into {to}
     and call 'leukolens data get taleqani' with the same folder again: it unpacks and checks it.
     Or unpack it there yourself, so that {to / "Original"} holds Benign, Early, Pre and Pro.
Or give leukolens your access: create a token in your account's settings on kaggle.com and set KAGGLE_API_TOKEN,
or KAGGLE_USERNAME and KAGGLE_KEY, or store kaggle.json in ~/.kaggle.
Terms: cite the authors (Aria et al. 2021, DOI {DOI}; Ghaderzadeh et al. 2022,
DOI 10.1002/int.22753). No licence text was seen: read the page before you pass images on.
"""


def get_taleqani(
    to: Path,
    access: Mapping[str, str] | None,
    *,
    url: str = ARCHIVE_URL,
    counts: Mapping[str, int] = COUNTS,
    progress: Progress | None = None,
) -> Catalogue:
    """Put the data set into a folder and check that it is whole.

    Nothing is fetched where the folder holds the data set already, or holds the archive ``archive.zip`` or
    ``leukemia.zip`` from the browser. A download that broke off goes on at the next call.

    Parameters
    ----------
    to
        Folder; it is made where it is missing, and will hold ``Original`` and ``Segmented``.
    access
        HTTP header from `find_access`, or None.
    url
        Where the archive is.
    counts
        Images of each class that must be there afterwards.
    progress
        Called with bytes done and bytes in all (None where unknown).

    Returns
    -------
    Catalogue
        The data set.

    Raises
    ------
    AccessError
        No access, access refused or no connection: see `instructions`.
    DataError
        The archive is damaged, or the folder holds something else.
    OutputError
        The folder cannot be written to.
    """
    if any((to / name).exists() for name in _FOLDERS):
        return _whole(to, counts)
    by_hand = [to / name for name in _BY_HAND if (to / name).is_file()]
    if not by_hand and access is None:
        raise AccessError("There is no access to Kaggle here", expected="a token, or the archive fetched by hand")
    try_folder(to, todo="make room, or choose another folder with --to")
    archive = by_hand[0] if by_hand else download(url, to / _ARCHIVE, secret=access, progress=progress)
    try:
        with _temporary(to) as folder:
            unpack(archive, folder)
            catalogue = _whole(folder, counts)
            _move(catalogue, to)
    finally:
        if not by_hand:
            archive.unlink(missing_ok=True)  # whole, and either unpacked now or of no use
    return open_catalogue(to)


def _whole(folder: Path, counts: Mapping[str, int]) -> Catalogue:
    catalogue = open_catalogue(folder)
    if catalogue.layout != TALEQANI_LAYOUT or catalogue.counts() != dict(counts):
        raise DataError(
            f"{str(folder)!r} does not hold the whole data set",
            expected=_in_words(counts),
            found=_in_words(catalogue.counts()),
            todo="choose an empty folder with --to, or remove what is there and fetch it again",
        )
    return catalogue


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _move(catalogue: Catalogue, to: Path) -> None:
    # The archive may hold the two folders one folder down.
    original = catalogue.root / catalogue.items[0].path.partition("Original/")[0]
    for name in _FOLDERS:
        if (original / name).is_dir():
            (original / name).rename(to / name)
