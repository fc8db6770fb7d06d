"""``run.json``: what a run of screening was done with, and what it must share with the run that it goes on from."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import leukolens
from leukolens.finding import ModelRef, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leukolens.screen.screener import Screener

RUN_FILE: Final = "run.json"
_PACKAGES: Final = (
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "openvino",
    "pillow",
    "pydantic",
    "tifffile",
)


class BundleRef(BaseModel):
    """A bundle by name, and by the SHA-256 of its ``bundle.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    sha256: str


class RunManifest(BaseModel):
    """The content of ``run.json``. There is no seed: screening draws no random numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["1"] = Field(default="1", alias="schema")
    leukolens: str
    bundle: BundleRef
    models: list[ModelRef]
    aspect: float | None = Field(description="true width / true height, where it was declared for all pictures")
    threads: int
    python: str
    platform: str
    packages: dict[str, str]
    started: datetime
    finished: datetime | None = None
    images: dict[str, int] = Field(default_factory=dict, description="number of findings by status")
    images_sha256: str | None = Field(default=None, description="SHA-256 over the sorted SHA-256 of the images")

    def to_json(self) -> str:
        """Return the text of ``run.json``."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def begin_manifest(screener: Screener, aspect: float | None) -> RunManifest:
    """Describe a run that begins now."""
    spec = screener.bundle.spec
    return RunManifest(
        leukolens=leukolens.__version__,
        bundle=BundleRef(name=spec.name, version=spec.version, sha256=screener.bundle.sha256),
        models=screener.models,
        aspect=aspect,
        threads=screener.session.threads,
        python=platform.python_version(),
        platform=platform.platform(),
        packages=_versions(),
        started=datetime.now(UTC),
    )


def end_manifest(manifest: RunManifest, statuses: dict[str, int], hashes: Iterable[str]) -> RunManifest:
    """Return the manifest of a run that is done.

    Parameters
    ----------
    manifest
        As it began.
    statuses
        Number of findings by status.
    hashes
        SHA-256 of the images that could be read.
    """
    digest = hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
    return manifest.model_copy(
        update={"finished": datetime.now(UTC), "images": statuses, "images_sha256": digest},
    )


def check_same_run(folder: Path, now: RunManifest) -> None:
    """Check that a run may go on from the one in a folder: the same bundle and engine, the same aspect declared.

    ``run.json`` tells of all findings beside it, so what they depend on must be one thing.

    Raises
    ------
    OutputError
        It may not, or ``run.json`` is missing or cannot be read.
    """
    path = folder / RUN_FILE
    try:
        then = RunManifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise OutputError(
            f"the findings in {str(folder)!r} cannot be gone on from",
            expected=f"the {RUN_FILE} that was written with them",
            found="none that can be read",
            todo="Choose another folder, or write it anew with --overwrite",
        ) from error
    engine = then.models[0].engine.partition(" ")[0] if then.models else ""
    for what, before, after, same in (
        ("bundle", then.bundle, now.bundle, "the same"),
        ("engine", then.models, now.models, f"this version of it and --engine {engine}"),
        ("declared aspect", then.aspect, now.aspect, "the same"),
    ):
        if before != after:
            raise OutputError(
                f"the findings in {str(folder)!r} were made with another {what}",
                expected=_show(before),
                found=_show(after),
                todo=f"Go on with {same}, choose another folder, or write it anew with --overwrite",
            )


def _show(value: BundleRef | list[ModelRef] | float | None) -> str:
    if isinstance(value, BundleRef):
        return f"{value.name} {value.version} ({value.sha256[:12]})"
    if isinstance(value, list):
        return ", ".join(f"{model.engine} in {model.precision} ({model.role})" for model in value) or "none"
    return "none" if value is None else f"{value:g}"


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an engine that is not installed
            continue
    return versions
