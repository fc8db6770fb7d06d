"""From one picture to one finding, and from many to many."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from leukolens.engine.bundle import Bundle, find_bundle
from leukolens.engine.session import open_field_session
from leukolens.finding import FieldFinding, Finding, ImageError, LeukolensError, ModelRef, UsageError, nearest
from leukolens.screen.budget import PixelBudget
from leukolens.screen.inputs import Input, source_name
from leukolens.screen.ordered import map_ordered
from leukolens.screen.result import FieldOutputs, ScreenResult
from leukolens.smear.limits import Limits
from leukolens.smear.prepare import Prepared, prepare
from leukolens.smear.quality import measure_quality
from leukolens.smear.reading import SmearImage, read_image
from leukolens.trust import NO_WHITE_CELLS, decide, judge_field

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from numpy.typing import NDArray

    from leukolens.engine.session import Session
    from leukolens.smear.ground import Placing

    Source = Path | str | bytes | NDArray[np.uint8]

Half = Literal["field", "cells"]

_FAILURES = (LeukolensError, OSError, MemoryError, cv2.error)
"""What may go wrong with one picture without stopping the others. Anything else is a fault of ours and is raised."""


class Screener:
    """A loaded bundle, ready to screen. One may be used from several threads; large pictures then wait for each other.

    Attributes
    ----------
    bundle
        The model.
    session
        Its field network in an engine.
    limits
        The largest picture that is read.
    models
        What each finding says of the networks that took part.
    """

    def __init__(self, bundle: Bundle, session: Session, limits: Limits | None = None) -> None:
        self.bundle = bundle
        self.session = session
        self.limits = limits or Limits()
        self._budget = PixelBudget()
        self.models = [
            ModelRef(
                role="field",
                name=bundle.spec.name,
                version=bundle.spec.version,
                sha256=bundle.field.sha256,
                engine=f"{session.engine} {session.engine_version}",
                precision=session.precision,
            )
        ]

    def screen(self, source: Source, *, aspect: float | None = None, name: str | None = None) -> Finding:
        """Screen one picture.

        Parameters
        ----------
        source
            A file, the bytes of one, or pixels (H, W, 3) uint8 sRGB.
        aspect
            True width of the picture divided by its true height; None: recognised from the picture.
        name
            What the finding calls the picture; None: the path, or "image".

        Returns
        -------
        Finding
            With status "error" and a reason where the picture cannot be read.
        """
        return self.examine(source, aspect=aspect, name=name).finding

    def screen_many(self, inputs: Iterable[Source | Input], *, aspect: float | None = None) -> Iterator[Finding]:
        """Screen many pictures; yield a finding each, in order, as they are done.

        Parameters
        ----------
        inputs
            As `source` of `screen`, or `Input`; read as needed.
        aspect
            As in `screen`, for all of them.
        """
        return (result.finding for result in self.stream(inputs, aspect=aspect))

    def stream(self, inputs: Iterable[Source | Input], *, aspect: float | None = None) -> Generator[ScreenResult]:
        """Do as `screen_many`, but yield the prepared pictures and the network's outputs too.

        Each of a few threads reads, prepares and judges one picture after the other: one more than there are cores to
        use, since a thread that waits for its turn to speak Python leaves a core idle (10 % more pictures). A handful
        of results are held at a time.
        """
        stop = Event()

        def give_up() -> None:
            # After Ctrl-C, pictures that wait for room are not worth waiting for.
            stop.set()
            self._budget.wake()

        work = partial(self._examine_input, aspect=aspect, stop=stop)
        return map_ordered(work, inputs, workers=self.session.threads + 1, on_end=give_up)

    def examine(
        self, source: Source, *, aspect: float | None = None, name: str | None = None, placing: Placing | None = None
    ) -> ScreenResult:
        """Screen one picture, and return also what the finding was made from.

        Parameters as in `screen`; `placing` as in `leukolens.smear.prepare.prepare`.
        """
        return self._examine(source, aspect, name, placing=placing)

    def _examine(
        self,
        source: Source,
        aspect: float | None,
        name: str | None,
        stop: Event | None = None,
        placing: Placing | None = None,
    ) -> ScreenResult:
        name = name or (source_name(str(source)) if isinstance(source, str | Path) else "image")
        image: SmearImage | None = None
        with self._budget.turn(stop) as admit:
            try:
                image = self._read(source, admit)
                return self._judge(image, name, aspect, placing)
            except _FAILURES as error:
                return ScreenResult(
                    Finding(
                        source=name,
                        sha256=image.sha256 if image is not None and image.sha256 else None,
                        status="error",
                        reason="there is not enough memory for this picture"
                        if isinstance(error, MemoryError)
                        else str(error),
                    )
                )

    def field_outputs(
        self, source: Source, *, aspect: float | None = None, placing: Placing | None = None
    ) -> tuple[Prepared, FieldOutputs]:
        """Return the prepared picture and what the field network gives for it, without judging either.

        Raises
        ------
        ImageError
            The picture cannot be read.
        """
        with self._budget.turn() as admit:
            pixels = self._read(source, admit).pixels
            prepared = prepare(pixels, self.bundle.field.preparation, aspect=aspect, placing=placing)
        return prepared, self._run(prepared)

    def _examine_input(self, item: Source | Input, *, aspect: float | None, stop: Event) -> ScreenResult:
        if isinstance(item, Input):
            return self._examine(item.path, aspect, item.source, stop)
        return self._examine(item, aspect, None, stop)

    def _read(self, source: Source, admit: Callable[[int], None]) -> SmearImage:
        if isinstance(source, np.ndarray):
            return _from_array(source)
        if isinstance(source, str | Path | bytes):
            return read_image(Path(source) if isinstance(source, str) else source, self.limits, admit=admit)
        raise UsageError(
            "this is nothing to screen",
            expected="a path, the bytes of a file, or an array (H, W, 3) of uint8",
            found=type(source).__name__,
        )

    def _run(self, prepared: Prepared) -> FieldOutputs:
        given = self.session.run(prepared.pixels[np.newaxis])
        return FieldOutputs(
            logits=given["logits"][0],
            class_map=given["class_map"][0],
            features=given["features"][0],
            distance=float(given["distance"][0]),
        )

    def _judge(self, image: SmearImage, name: str, aspect: float | None, placing: Placing | None) -> ScreenResult:
        spec = self.bundle.field
        prepared = prepare(image.pixels, spec.preparation, aspect=aspect, placing=placing)
        quality = measure_quality(prepared.working, burned_in=prepared.burned_in, squeeze=prepared.squeeze)
        outputs = self._run(prepared)
        judgement = judge_field(outputs.logits, outputs.distance, spec)
        unseen = prepared.bare and NO_WHITE_CELLS not in quality.flags
        verdict = decide(judgement, [*quality.flags, NO_WHITE_CELLS] if unseen else quality.flags, spec)
        finding = Finding(
            source=name,
            sha256=image.sha256 or None,
            status="ok",
            conclusion=verdict.conclusion,
            p_all=verdict.p_all,
            label=verdict.label,
            probabilities=verdict.probabilities,
            prediction_set=verdict.prediction_set,
            decision=verdict.decision,
            novelty=verdict.novelty,
            quality=quality,
            um_per_px=image.um_per_px,
            field=FieldFinding(probabilities=judgement.probabilities),
            models=self.models,
            width=image.pixels.shape[1],
            height=image.pixels.shape[0],
            notes=[*image.notes, *verdict.notes],
        )
        return ScreenResult(finding, prepared, outputs)


def load(
    bundle: str | Path | Bundle | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
    only: Half | str | None = None,
    limits: Limits | None = None,
) -> Screener:
    """Load a model.

    Parameters
    ----------
    bundle
        Name of a bundle that ships with leukolens, or a bundle's folder; None: the default.
    engine
        "auto", "openvino" or "onnxruntime".
    threads
        Cores to use; None: those that this process may use, at most 16.
    only
        "field" or "cells" runs one half; None: what the bundle has.
    limits
        The largest picture that is read.

    Raises
    ------
    UsageError
        An unknown name, or a half that the bundle does not have.
    BundleError
        The bundle is incomplete or damaged.

    Examples
    --------
    >>> screener = load()  # doctest: +SKIP
    >>> screener.screen("smear.jpg").conclusion  # doctest: +SKIP
    'lymphoblasts'
    """
    halves = get_args(Half)
    if only is not None and only not in halves:
        raise UsageError(f"there is no half {only!r} to run alone", todo=nearest(only, halves))
    opened = bundle if isinstance(bundle, Bundle) else find_bundle(bundle)
    if only == "cells":
        raise UsageError(
            f"the bundle {opened.spec.name!r} has no cell network",
            expected="a bundle with the role cell",
            found=", ".join(opened.spec.networks),
            todo="Leave out --only, or take --only field",
        )
    return Screener(opened, open_field_session(opened, engine, threads), limits)


def _from_array(pixels: NDArray[np.uint8]) -> SmearImage:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ImageError(
            "the array is no picture",
            expected="pixels (H, W, 3) of uint8, sRGB",
            found=f"{pixels.shape} of {pixels.dtype}",
            todo="convert it, or give the file",
        )
    return SmearImage(
        pixels=np.ascontiguousarray(pixels), sha256="", format="array", um_per_px=None, notes=("given as pixels",)
    )
