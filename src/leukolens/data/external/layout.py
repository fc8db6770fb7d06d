"""What a published data set's layout is: how it is recognised, and what listing it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from leukolens.data.catalogue import Item, Site
from leukolens.data.walk import images_below, images_in, subfolders
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Listing:
    """The labelled images of a tree, before anything is read.

    Attributes
    ----------
    layout
        Name of the layout.
    items
        The images; paths relative to the folder that was given.
    classes
        The labels that occur, in the data set's own order.
    negative, other_leukaemia
        Which of them mean no leukaemia (None where the layout cannot know), and which a leukaemia other than ALL.
    sites
        What is published of each laboratory.
    notes
        What was left out and why, and what the owners do not publish.
    """

    layout: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    negative: tuple[str, ...] | None = None
    other_leukaemia: tuple[str, ...] = ()
    sites: Mapping[str, Site] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes
    ----------
    name
        As `--layout` names it.
    expected
        The tree in words, for a message.
    recognise
        Whether a folder plainly has this layout. Called on any folder; looks at names only.
    list_images
        Lists one that has, or is said to have, this layout; raises `DataError` where it has not.
    """

    name: str
    expected: str
    recognise: Callable[[Path], bool]
    list_images: Callable[[Path], Listing]


def broken(root: Path, layout: str, *, expected: str, found: str = "", todo: str = "") -> DataError:
    """Return the error of a tree that is not what its layout says; without `found`, the names in `root` are told."""
    return DataError(
        f"{str(root)!r} does not have the layout {layout!r}",
        expected=expected,
        found=found or names_in(root),
        todo=todo or "give the folder as its owners publish it, or leave --layout out",
    )


def names_in(folder: Path, shown: int = 6) -> str:
    """Return the folders in a folder, and how many images lie beside them, in words."""
    folders, images = subfolders(folder), images_in(folder)
    listed = ", ".join(folders[:shown]) + (", ..." if len(folders) > shown else "")
    beside = f"{len(images)} images" + (f" such as {images[0]}" if images else "")
    return f"the folders {listed} and {beside}" if folders else beside


def descend(root: Path, *names: str) -> Path:
    """Return the folder below `root` along those of `names` that are there, compared without regard to case."""
    for name in names:
        own = next((one for one in subfolders(root) if one.lower() == name.lower()), None)
        root = root if own is None else root / own
    return root


def find_folder(root: Path, *names: str) -> Path | None:
    """Return the first folder in `root` that has one of `names`, without regard to case; None where there is none."""
    own = {name.lower(): name for name in subfolders(root)}
    return next((root / own[name.lower()] for name in names if name.lower() in own), None)


def below(root: Path, folder: Path) -> tuple[list[str], list[str]]:
    """List the images below a folder, as paths relative to `root`, and in sentences what is no regular file."""
    prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    images, odd = images_below(folder)
    return [prefix + path for path in images], [f"{prefix}{path} was left out: no regular file." for path in odd]


def new_item(root: Path, path: str, label: str, laboratory: str, patient: str | None = None) -> Item:
    """Return the item of a file below `root`, with its size."""
    return Item(path, label, patient, (root / path).stat().st_size, laboratory=laboratory)


def in_use(classes: Iterable[str], items: Iterable[Item]) -> tuple[str, ...]:
    """Return those of `classes` that an item has, in their order."""
    used = {item.label for item in items}
    return tuple(name for name in classes if name in used)


def left_out(count: int, what: str, example: str) -> list[str]:
    """Return the sentence that says what was left out; none where nothing was."""
    return [f"{count} {what} left out, such as {example}."] if count else []
