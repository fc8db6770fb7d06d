"""OpenVINO on the CPU, pinned to 32-bit floats: by itself it would take bf16 where the CPU has it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from leukolens.engine.contract import INPUT, OUTPUT_RANKS, Tensor
from leukolens.engine.session import PooledSession
from leukolens.finding import BundleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.engine.session import Outputs

# OpenVINO reports to a server of its makers, over this package, that it was imported; without the package it does not.
# A program for hospitals makes no connection that nobody asked for.
_TELEMETRY = "openvino_telemetry"
_TYPES = {"u8": "uint8", "f32": "float32"}


class OpenVinoSession(PooledSession):
    """A network in OpenVINO: as many streams as threads, each on one core, one picture a request.

    Parameters
    ----------
    content
        The ONNX file.
    threads
        Cores to use.

    Raises
    ------
    UsageError
        OpenVINO is installed but does not start.
    BundleError
        `content` is no network, or not a field network, or cannot be run in f32.
    """

    engine = "openvino"

    def __init__(self, content: bytes, threads: int) -> None:
        openvino = _import()
        self.engine_version = str(openvino.__version__).split("-")[0]
        core = openvino.Core()
        try:
            model = core.read_model(content)
            given = [_tensor(port) for port in model.inputs]
            super().__init__(given, [_tensor(port) for port in model.outputs], threads)
            # A fixed shape is compiled to faster code than one that may vary (3.8 against 4.6 ms of CPU a picture).
            model.reshape([1, *self.image_size, 3])
            compiled = core.compile_model(model, "CPU", _settings(threads))
        except RuntimeError as error:
            raise BundleError("OpenVINO cannot load the network", found=_first_line(error)) from error
        precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if precision != "f32":
            raise BundleError("OpenVINO does not keep the precision", expected="f32", found=precision)
        names = [_tensor(port).name for port in compiled.outputs]
        self._positions = {tensor.name: names.index(tensor.name) for tensor in self.outputs}
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(threads):
            self._idle.put(compiled.create_infer_request())
        # OpenVINO prepares itself at its first inference, and two threads that come first together can wait for each
        # other for ever. So the first inference is made here.
        self._infer(np.zeros((1, *self.image_size, 3), np.uint8))

    def _infer(self, image: NDArray[np.uint8]) -> Outputs:
        request = self._idle.get()
        try:
            request.infer([image], share_inputs=True)
            # Copied: the request's own memory is written again by the next picture.
            return {name: request.get_output_tensor(at).data.copy() for name, at in self._positions.items()}
        finally:
            self._idle.put(request)


def _settings(threads: int) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "CACHE_DIR": "",
        # Threads bound to cores would hinder those that read and prepare pictures, and other processes.
        "ENABLE_CPU_PINNING": False,
    }


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Make importing a package fail meanwhile, unless it is imported already."""
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # how the import system says "not there"
    try:
        yield
    finally:
        if hidden:
            del sys.modules[name]


def _import() -> Any:  # noqa: ANN401 - the engine brings no types
    try:
        with _without(_TELEMETRY):
            import openvino
    except (ImportError, OSError) as error:
        raise UsageError(
            "OpenVINO is installed but does not start",
            found=_first_line(error),
            todo="install it again, or choose the engine 'onnxruntime'",
        ) from error
    return openvino


def _tensor(port: Any) -> Tensor:  # noqa: ANN401 - the engine brings no types
    # A tensor may carry inner names beside the one that the exporter gave it.
    names = sorted(port.get_names(), key=lambda name: (name != INPUT and name not in OUTPUT_RANKS, name))
    kind = port.get_element_type().to_string()
    shape = port.get_partial_shape()
    sizes = tuple(size.get_length() if size.is_static else None for size in shape) if shape.rank.is_static else ()
    return Tensor(names[0] if names else "", _TYPES.get(kind, kind), sizes)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
