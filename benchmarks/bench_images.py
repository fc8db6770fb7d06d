"""The pictures to measure with: rendered fields in the form of the data set, or a folder of one's own."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEED: Final = 88
SIDE: Final = 224
"""Side, px, of the squares that the data set squeezes its 4:3 fields to."""
_CONTENTS: Final = ("all", "benign", "crowded", "all")


@dataclass(frozen=True)
class Pictures:
    """Different pictures on disk.

    Attributes
    ----------
    files
        Their paths.
    source
        Where they come from, in words, without a path of this machine.
    sha256
        Over the sorted SHA-256 of the files.
    """

    files: tuple[Path, ...]
    source: str
    sha256: str


def render_pictures(folder: Path, count: int, processes: int) -> Pictures:
    """Render fields of 1024 x 768 px and write them squeezed to 224 px squares, JPEG at quality 92.

    Parameters
    ----------
    folder
        Where to; made where it is missing.
    count
        How many.
    processes
        How many are rendered at a time. Each in a process of its own: this one stays small, see
        `bench_process.run_fresh`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        files = tuple(pool.map(partial(_render, folder), range(count)))
    what = f"{count} different rendered fields, 4:3, squeezed to {SIDE} x {SIDE} px, JPEG, seed {SEED}"
    return Pictures(files, what, _hash_of(files))


def find_pictures(folder: Path, copies: Path, most: int) -> Pictures:
    """Take pictures from a folder, in natural order.

    Parameters
    ----------
    folder
        Searched to any depth, as ``leukolens screen`` does.
    copies
        Folder that they are copied to, beside where they will be linked.
    most
        How many at most.

    Raises
    ------
    UsageError
        There is no such folder, or it holds no pictures.
    """
    from leukolens.screen.inputs import list_inputs

    copies.mkdir(parents=True, exist_ok=True)
    found = [item.path for item in list_inputs([folder])]
    # Spread over the folder: its first files may all be of one class.
    chosen = [found[number * len(found) // min(most, len(found))] for number in range(min(most, len(found)))]
    files = tuple(copies / f"{number:05d}{path.suffix.lower()}" for number, path in enumerate(chosen))
    for path, copy in zip(chosen, files, strict=True):
        shutil.copyfile(path, copy)
    return Pictures(files, f"{len(files)} different pictures of the folder {folder.resolve().name}", _hash_of(files))


def fill_folder(folder: Path, files: Sequence[Path], count: int) -> list[Path]:
    """Fill a folder with pictures, each as often as needed, under new names.

    Parameters
    ----------
    folder
        To be made.
    files
        Different pictures, on the same disk.
    count
        How many names.

    Returns
    -------
    list of Path
        In the order in which they are screened.
    """
    folder.mkdir(parents=True)
    names = [folder / f"{number:05d}{files[number % len(files)].suffix}" for number in range(count)]
    for number, name in enumerate(names):
        _link(files[number % len(files)], name)
    return names


def _link(source: Path, name: Path) -> None:
    try:
        os.link(source, name)
    except OSError:  # a disk that knows no hard links; the content is the same
        shutil.copyfile(source, name)


def _render(folder: Path, number: int) -> Path:
    from leukolens.smear.synth import STYLES, Content, Style, render_field, squeeze_to_square
    from leukolens.smear.synth.demo import encode

    style = Style.named(list(STYLES)[number % len(STYLES)])
    content = Content.named(_CONTENTS[number % len(_CONTENTS)])
    # A third with a scale bar: painting one out takes time, and the data set's fields have them.
    bar = "100 pixel" if number % 3 == 0 else None
    field = render_field(SEED + number, style=style, content=content, scale_bar=bar)
    path = folder / f"{number:05d}.jpg"
    path.write_bytes(encode(squeeze_to_square(field.pixels, SIDE), path.suffix))
    return path


def _hash_of(files: Sequence[Path]) -> str:
    hashes = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
