"""ONNX Runtime on the CPU. It computes in the types of the file: 32-bit floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leukolens.engine.contract import INPUT, Tensor
from leukolens.engine.session import PooledSession
from leukolens.finding import BundleError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from leukolens.engine.session import Outputs

_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_ERRORS_ONLY = 3


class OnnxRuntimeSession(PooledSession):
    """A network in ONNX Runtime: one core a picture, as many pictures at a time as there are threads.

    One thread inside and several callers measured faster than several threads inside (195 against 160 pictures/s on
    2 cores).

    Parameters
    ----------
    content
        The ONNX file.
    threads
        Cores to use.

    Raises
    ------
    UsageError
        ONNX Runtime is installed but does not start.
    BundleError
        `content` is no network, or not a field network.
    """

    engine = "onnxruntime"

    def __init__(self, content: bytes, threads: int) -> None:
        runtime = _import()
        self.engine_version = str(runtime.__version__)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common base but Exception
            raise BundleError("ONNX Runtime cannot load the network", found=str(error)[:300]) from error
        given = [_tensor(value) for value in self._session.get_inputs()]
        super().__init__(given, [_tensor(value) for value in self._session.get_outputs()], threads)
        self._names = [tensor.name for tensor in self.outputs]

    def _infer(self, image: NDArray[np.uint8]) -> Outputs:
        return dict(zip(self._names, self._session.run(self._names, {INPUT: image}), strict=True))


def _import() -> Any:  # noqa: ANN401 - the engine brings no types
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise UsageError(
            "ONNX Runtime is installed but does not start",
            found=str(error)[:300],
            todo="install it again, or choose the engine 'openvino'",
        ) from error
    return onnxruntime


def _tensor(value: Any) -> Tensor:  # noqa: ANN401 - the engine brings no types
    sizes = tuple(size if isinstance(size, int) else None for size in value.shape or ())
    return Tensor(value.name, _TYPES.get(value.type, value.type), sizes)
