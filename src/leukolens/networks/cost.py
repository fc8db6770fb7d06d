"""What a network costs before anyone has run it: parameters, multiply-accumulates, bytes of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from leukolens.networks.field import FieldNetwork

SIZE: Final = (168, 224)
"""(height, width) of a prepared picture of the standard preparation, px."""


class Cost(NamedTuple):
    """What a network costs.

    Attributes
    ----------
    parameters
        Numbers that training changes, frozen ones included.
    macs
        Multiply-accumulates for one picture, in convolutions and matrix products alone, as papers count them: norms,
        activations and pooling cost time too, and are not in it.
    bytes
        Of parameters and statistics as 32-bit floats; about the size of the ONNX file.
    """

    parameters: int
    macs: int
    bytes: int


def measure_cost(network: FieldNetwork | nn.Module, size: tuple[int, int] = SIZE) -> Cost:
    """Count what a network costs for one prepared picture.

    Nothing is computed and no weight copied: the forward pass runs on PyTorch's meta device, which knows shapes only.

    Parameters
    ----------
    network
        Takes (N, H, W, 3) uint8.
    size
        (height, width) of the prepared picture, px.

    Returns
    -------
    Cost

    Notes
    -----
    A multiply-accumulate is counted as one; PyTorch's counter, which this rests on, counts it as two operations.
    """
    tensors = [*network.named_parameters(), *network.named_buffers()]
    shapes = {name: tensor.detach().to("meta") for name, tensor in tensors}
    was_training = network.training
    network.eval()
    counter = FlopCounterMode(display=False)
    try:
        with torch.device("meta"), torch.inference_mode(), counter:
            picture = torch.zeros((1, *size, 3), dtype=torch.uint8)
            torch.func.functional_call(network, shapes, (picture,))
    finally:
        network.train(was_training)
    numbers = sum(tensor.numel() for _, tensor in tensors if tensor.is_floating_point())
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Cost(parameters=parameters, macs=int(counter.get_total_flops()) // 2, bytes=4 * numbers)
