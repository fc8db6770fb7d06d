"""What stands beside every result: configuration, data, code, packages, seed."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import leukolens

PACKAGES: Final = (
    "numpy",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "onnxruntime",
    "openvino",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "onnx",
    "scikit-image",
    "scikit-learn",
    "scipy",
)


def run_manifest(
    command: str, configuration: dict[str, Any], data_sha256: str | None, seed: int | None
) -> dict[str, Any]:
    """Describe a run so that it can be done again.

    Parameters
    ----------
    command
        The verb.
    configuration
        Everything that was chosen; JSON-like, without paths of this machine.
    data_sha256
        Hash of the data set's list, see `leukolens.data.catalogue.catalogue_sha256`.
    seed
        Of everything drawn at random.

    Returns
    -------
    dict
        JSON-like. Holds neither the machine's name nor paths.
    """
    return {
        "command": command,
        "configuration": configuration,
        "data_sha256": data_sha256,
        "seed": seed,
        "leukolens": leukolens.__version__,
        "code": _git_state(),
        "packages": _versions(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git_state() -> dict[str, Any] | None:
    """Return commit and cleanliness of the checkout that the code lies in; None for an installed package."""
    folder = Path(leukolens.__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        # A checkout around an unrelated site-packages is not ours.
        tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "clean": not _git(folder, "status", "--porcelain", "--", "."), "tracked": bool(tracked)}


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - whatever git the user has
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
