"""What figures are about: a bundle, the images that it was judged on, and the command that asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leukolens.assess.seen import Training
    from leukolens.data.openings import Openings
    from leukolens.screen import Screener


@dataclass(frozen=True)
class About:
    """What was judged, on what, and by which command.

    Attributes
    ----------
    bundle, version, bundle_sha256
        Name, version and SHA-256 of ``bundle.json``.
    architecture, engine, precision
        The field network and what ran it.
    data, data_sha256
        Name of the data set's folder, and hash over its paths and files.
    command
        The command line, with file names only.
    training
        Whether the bundle learned from the images.
    warnings
        What a reader must know before believing a figure.
    openings
        How often these images have been looked at; None where that was not written down.
    """

    bundle: str
    version: str
    bundle_sha256: str
    architecture: str
    engine: str
    precision: str
    data: str
    data_sha256: str
    command: str
    training: Training
    warnings: tuple[str, ...] = ()
    openings: Openings | None = None


def describe(
    screener: Screener, data: str, data_sha256: str, command: str, training: Training, warnings: tuple[str, ...] = ()
) -> About:
    """Put together what was judged, on what, and what must be known beside the figures."""
    spec, session = screener.bundle.spec, screener.session
    return About(
        bundle=spec.name,
        version=spec.version,
        bundle_sha256=screener.bundle.sha256,
        architecture=screener.bundle.field.architecture,
        engine=f"{session.engine} {session.engine_version}",
        precision=session.precision,
        data=data,
        data_sha256=data_sha256,
        command=command,
        training=training,
        warnings=warnings,
    )
