"""What the tensors of a network must be, checked before the first picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leukolens.finding import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INPUT: Final = "images"
OUTPUT_RANKS: Final[Mapping[str, int]] = {"logits": 2, "class_map": 4, "features": 2, "distance": 1}
_TODO = "Export the network again with this version of leukolens"


@dataclass(frozen=True)
class Tensor:
    """An input or output of a network; None in `shape` is a size that may vary."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.dtype} ({sizes})"


def check_field_tensors(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[int, int]:
    """Check that a network is a field network.

    Returns
    -------
    tuple of int
        (height, width) of the prepared picture that it takes, px.

    Raises
    ------
    BundleError
        It is not.
    """
    images = inputs[0] if len(inputs) == 1 else None
    shape = images.shape if images is not None else ()
    if images is None or images.name != INPUT or images.dtype != "uint8" or len(shape) != 4 or shape[3] != 3:
        raise BundleError(
            "the network's input is not that of a field network",
            expected=f"one input {INPUT} uint8 (?, height, width, 3)",
            found=_list(inputs),
            todo=_TODO,
        )
    height, width = shape[1], shape[2]
    if height is None or width is None:
        raise BundleError(
            "the network does not say for which size of picture it is",
            expected="a fixed height and width",
            found=_list(inputs),
            todo=_TODO,
        )
    found = {tensor.name: tensor for tensor in outputs}
    for name, rank in OUTPUT_RANKS.items():
        if name not in found or found[name].dtype != "float32" or len(found[name].shape) != rank:
            raise BundleError(
                "the network's outputs are not those of a field network",
                expected=f"{name} float32 with {rank} axes, among {', '.join(OUTPUT_RANKS)}",
                found=_list(outputs),
                todo=_TODO,
            )
    return height, width


def check_sizes(
    outputs: Sequence[Tensor], size: tuple[int, int], *, prepared: tuple[int, int], labels: Sequence[str]
) -> None:
    """Check that a field network fits the specification in its bundle.

    Parameters
    ----------
    outputs
        Of the network.
    size
        (height, width) that the network takes, px.
    prepared
        (height, width) that the bundle's preparation makes, px.
    labels
        Of the bundle.

    Raises
    ------
    BundleError
        The preparation makes another size, or the labels are not as many as the logits.
    """
    if size != prepared:
        raise BundleError(
            "the network and the preparation in its bundle do not fit together",
            expected=f"pictures of {size[1]} x {size[0]} px",
            found=f"a preparation that makes {prepared[1]} x {prepared[0]} px",
            todo=_TODO,
        )
    for name in ("logits", "class_map"):
        count = next(tensor.shape[1] for tensor in outputs if tensor.name == name)
        if count is not None and count != len(labels):
            raise BundleError(
                "the network and the labels in its bundle do not fit together",
                expected=f"{len(labels)} labels in {name} ({', '.join(labels)})",
                found=f"{count}",
                todo=_TODO,
            )


def _list(tensors: Sequence[Tensor]) -> str:
    return "; ".join(str(tensor) for tensor in tensors) or "none"
