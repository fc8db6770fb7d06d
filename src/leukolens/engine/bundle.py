"""A bundle on disk: opening and checking one, finding one by name, writing one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from leukolens.engine.spec import CARD, LICENCE, SPEC_FILE, BundleSpec, FieldNetworkSpec
from leukolens.engine.sums import MAX_FILE_BYTES, MAX_TEXT_BYTES, read_bounded, verify_sums, write_sums
from leukolens.finding import BundleError, OutputError, UsageError, nearest
from leukolens.finding.output import probe_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Bundle",
    "claim_bundle_folder",
    "find_bundle",
    "open_bundle",
    "shipped_bundles",
    "write_bundle",
    "write_sums",
]

DEFAULT_NAME = "default"
_USUAL_BYTES: Final = 20 * 2**20


@dataclass(frozen=True)
class Bundle:
    """A bundle whose sums were checked.

    Attributes
    ----------
    path
        Its folder.
    spec
        What ``bundle.json`` says.
    sha256
        SHA-256 of ``bundle.json``. That file holds the sums of the networks, so this names the whole model.
    """

    path: Path
    spec: BundleSpec
    sha256: str

    @property
    def field(self) -> FieldNetworkSpec:
        """The specification of the field network."""
        return self.spec.networks["field"]

    def read_network(self, role: str = "field") -> bytes:
        """Read the ONNX file of a role and check it against ``bundle.json``.

        The engine is given these bytes, not the path: what runs is what was checked.

        Raises
        ------
        UsageError
            The bundle has no network of that role.
        BundleError
            The file is not the one that ``bundle.json`` describes.
        """
        networks = {str(name): network for name, network in self.spec.networks.items()}
        if role not in networks:
            raise UsageError(
                f"the bundle {self.spec.name!r} has no {role} network", todo=f"It has: {', '.join(networks)}"
            )
        spec = networks[role]
        content = read_bounded(self.path, spec.file, MAX_FILE_BYTES)
        found = hashlib.sha256(content).hexdigest()
        if found != spec.sha256:
            raise BundleError(
                f"{spec.file} of the bundle {str(self.path)!r} is not the network that {SPEC_FILE} describes",
                expected=f"SHA-256 {spec.sha256[:16]}...",
                found=f"{found[:16]}...",
                todo="Get the bundle again; do not use this one",
            )
        return content


def open_bundle(path: Path | None = None) -> Bundle:
    """Open a bundle and check it.

    Parameters
    ----------
    path
        Its folder; None: the one that ships with leukolens.

    Raises
    ------
    BundleError
        There is none, or it is incomplete or damaged.
    """
    folder = _default_folder() if path is None else Path(path)
    if not folder.is_dir():
        raise BundleError(
            f"there is no bundle {str(folder)!r}",
            expected=f"a folder with {SPEC_FILE}",
            found="a file" if folder.exists() else "nothing",
        )
    sums = verify_sums(folder)
    content = read_bounded(folder, SPEC_FILE, MAX_TEXT_BYTES)
    spec = _parse_spec(folder, content)
    for role, network in spec.networks.items():
        if sums.get(network.file) != network.sha256:
            raise BundleError(
                f"the {role} network of the bundle {str(folder)!r} differs between {SPEC_FILE} and SHA256SUMS",
                expected=f"{network.file} with SHA-256 {network.sha256[:16]}...",
                found=sums.get(network.file, "nothing")[:16],
                todo="Get the bundle again; do not use this one",
            )
    return Bundle(path=folder, spec=spec, sha256=hashlib.sha256(content).hexdigest())


def find_bundle(name_or_path: str | Path | None = None) -> Bundle:
    """Open a bundle by the name of one that ships with leukolens, or by its folder.

    Parameters
    ----------
    name_or_path
        A name such as ``default``, or a folder; None: the default.

    Raises
    ------
    UsageError
        Neither a name nor a folder.
    BundleError
        It is incomplete or damaged.
    """
    if name_or_path is None:
        return open_bundle()
    shipped = shipped_bundles()
    if str(name_or_path) in shipped:
        return open_bundle(shipped[str(name_or_path)])
    folder = Path(name_or_path)
    if not folder.exists():
        raise UsageError(
            f"no bundle {str(name_or_path)!r}",
            expected="a bundle's folder, or the name of a bundle that ships with leukolens",
            todo=nearest(str(name_or_path), shipped) if shipped else "Give a folder: no bundle ships with this copy",
        )
    return open_bundle(folder)


def shipped_bundles() -> dict[str, Path]:
    """Return the folders of the bundles that ship with leukolens, by name."""
    root = _bundles_root()
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if (path / SPEC_FILE).is_file()}


def claim_bundle_folder(folder: Path) -> None:
    """See that a bundle can be written, before it is made.

    Raises
    ------
    OutputError
        Something is there already, or nothing can be written beside it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{str(folder)!r} exists already", todo="Give another folder, or remove it first")
    probe_folder(folder.parent, _USUAL_BYTES)


def write_bundle(folder: Path, spec: BundleSpec, files: Mapping[str, bytes | Path], card: str) -> Path:
    """Write a bundle whole or not at all, and check it by opening it.

    Parameters
    ----------
    folder
        Where; must not exist, or be an empty folder.
    spec
        The content of ``bundle.json``; the SHA-256 in it must be those of `files`.
    files
        The networks and ``LICENSE``, by their names in the bundle: contents, or files to copy.
    card
        The text of ``MODEL_CARD.md``.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    OutputError
        Something is there already, or cannot be written.
    BundleError
        What was to be written is no valid bundle; nothing is left behind.
    """
    claim_bundle_folder(folder)
    if LICENCE not in files:
        raise BundleError("a bundle needs its licence", expected=f"a file {LICENCE} among `files`")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"the bundle {str(folder)!r} cannot be written", found=str(error)) from error
    try:
        _fill(building, spec, files, card)
        open_bundle(building)
        if folder.exists():
            folder.rmdir()
        building.rename(folder)
    except OSError as error:
        raise OutputError(f"the bundle {str(folder)!r} cannot be written", found=str(error)) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _fill(folder: Path, spec: BundleSpec, files: Mapping[str, bytes | Path], card: str) -> None:
    folder.chmod(0o777 & ~_umask())
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            shutil.copyfile(content, target)
    (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    (folder / SPEC_FILE).write_text(spec.to_json(), encoding="utf-8", newline="\n")
    write_sums(folder)


def _umask() -> int:
    # mkdtemp makes a private folder; a bundle is read by others. The mask can be read only by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _parse_spec(folder: Path, content: bytes) -> BundleSpec:
    try:
        return BundleSpec.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise BundleError(
            f"{SPEC_FILE} of the bundle {str(folder)!r} is not valid at {where}",
            found=first["msg"],
            todo="Use a bundle written for this version of leukolens, or update leukolens",
        ) from error


def _bundles_root() -> Path:
    return Path(str(resources.files("leukolens"))) / "bundles"


def _default_folder() -> Path:
    folder = _bundles_root() / DEFAULT_NAME
    if not (folder / SPEC_FILE).is_file():
        raise BundleError(
            "this copy of leukolens ships no default bundle",
            todo="Name a bundle with --bundle, or install leukolens from a wheel",
        )
    return folder
