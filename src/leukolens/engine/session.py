"""One small interface before the inference engines. Precision is pinned to 32-bit floats and recorded."""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

import numpy as np

from leukolens.engine.contract import OUTPUT_RANKS, Tensor, check_field_tensors, check_sizes
from leukolens.finding import BundleError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.engine.bundle import Bundle

Engine = Literal["auto", "openvino", "onnxruntime"]
Outputs = dict[str, "NDArray[np.float32]"]

MAX_DEFAULT_THREADS: Final = 16
_HOW_TO_GET = "Get it with: pip install {}"


class Session(Protocol):
    """A network in an engine, ready to run. `run` may be called from several threads at once.

    Attributes
    ----------
    engine, engine_version
        "openvino" or "onnxruntime", and its version.
    precision
        Always "f32".
    threads
        How many pictures are worked on at the same time, each on one core.
    image_size
        (height, width) of a prepared picture, px.
    outputs
        Names, types and shapes of what the network gives.
    """

    engine: str
    engine_version: str
    precision: Literal["f32"]
    threads: int
    image_size: tuple[int, int]
    outputs: tuple[Tensor, ...]

    def run(self, images: NDArray[np.uint8]) -> Outputs:
        """Run the network on prepared pictures, (N, height, width, 3) uint8 RGB; outputs have N as first axis."""


class PooledSession(ABC):
    """What the engines share: checking, and one request a picture.

    Pictures are never put into one batch. On CPUs that measured no slower than batches of 4 or 8, and a picture's
    numbers cannot depend on what stands beside it, to the last bit.
    """

    engine: str
    engine_version: str
    precision: Literal["f32"] = "f32"

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], threads: int) -> None:
        self.image_size = check_field_tensors(inputs, outputs)
        self.outputs = tuple(tensor for tensor in outputs if tensor.name in OUTPUT_RANKS)
        self.threads = threads

    @abstractmethod
    def _infer(self, image: NDArray[np.uint8]) -> Outputs:
        """Run (1, height, width, 3)."""

    def run(self, images: NDArray[np.uint8]) -> Outputs:
        """Run the network.

        Parameters
        ----------
        images
            (N, height, width, 3) uint8, RGB, as prepared; N >= 1.

        Returns
        -------
        dict
            ``logits`` (N, C), ``class_map`` (N, C, h, w), ``features`` (N, D), ``distance`` (N,), float32.

        Raises
        ------
        UsageError
            `images` has another shape or type.
        """
        wanted = (*self.image_size, 3)
        if images.ndim != 4 or images.shape[1:] != wanted or images.dtype != np.uint8 or len(images) == 0:
            raise UsageError(
                "the network cannot take this array",
                expected=f"uint8 (N, {', '.join(map(str, wanted))}) with N of at least 1",
                found=f"{images.dtype} {images.shape}",
                todo="prepare pictures with leukolens.smear.prepare.prepare",
            )
        singles = [np.ascontiguousarray(images[i : i + 1]) for i in range(len(images))]
        if len(singles) == 1:
            return self._infer(singles[0])
        with ThreadPoolExecutor(min(self.threads, len(singles))) as pool:
            done = list(pool.map(self._infer, singles))
        return {name: np.concatenate([outputs[name] for outputs in done]) for name in OUTPUT_RANKS}


def open_session(onnx: bytes | Path, engine: Engine | str = "auto", threads: int | None = None) -> Session:
    """Load a field network into an engine.

    Parameters
    ----------
    onnx
        The network: the content of an ONNX file, or its path.
    engine
        "openvino", "onnxruntime", or "auto": OpenVINO where it is installed, otherwise ONNX Runtime. What was taken
        stands in the session and in every finding.
    threads
        Cores to use; None: those that this process may use, at most 16.

    Raises
    ------
    UsageError
        The engine is unknown or not installed, or `threads` is not positive.
    BundleError
        The file is no network, or not one of those tensors.
    """
    threads = usable_cores() if threads is None else threads
    if threads < 1:
        raise UsageError("too few threads", expected="at least 1", found=str(threads))
    chosen = choose_engine(engine)
    try:
        content = onnx if isinstance(onnx, bytes) else onnx.read_bytes()
    except OSError as error:
        raise BundleError(f"the network {str(onnx)!r} cannot be read", found=str(error)) from error
    if chosen == "openvino":
        from leukolens.engine.openvino_session import OpenVinoSession

        return OpenVinoSession(content, threads)
    from leukolens.engine.onnxruntime_session import OnnxRuntimeSession

    return OnnxRuntimeSession(content, threads)


def open_field_session(bundle: Bundle, engine: Engine | str = "auto", threads: int | None = None) -> Session:
    """Load the field network of a bundle, and check that it fits what the bundle says of it.

    Raises
    ------
    UsageError
        As `open_session`.
    BundleError
        The network is damaged, or does not fit the specification.
    """
    session = open_session(bundle.read_network("field"), engine, threads)
    spec = bundle.field
    prepared = (spec.preparation.height, spec.preparation.width)
    check_sizes(session.outputs, session.image_size, prepared=prepared, labels=spec.labels)
    return session


def choose_engine(engine: str) -> Literal["openvino", "onnxruntime"]:
    """Return the engine to use.

    Raises
    ------
    UsageError
        It is unknown or not installed.
    """
    known = get_args(Engine)
    if engine not in known:
        raise UsageError(f"no engine {engine!r}", todo=nearest(engine, known))
    order = ("openvino", "onnxruntime") if engine == "auto" else (engine,)
    for name in order:
        if importlib.util.find_spec(name) is not None:
            return "openvino" if name == "openvino" else "onnxruntime"
    raise UsageError(
        f"the engine {engine!r} is not installed" if engine != "auto" else "no inference engine is installed",
        expected=" or ".join(order),
        todo=_HOW_TO_GET.format(order[-1]),
    )


def usable_cores() -> int:
    """Return how many cores this process may use, at most 16."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        cores = os.cpu_count() or 1
    return max(1, min(MAX_DEFAULT_THREADS, cores))
