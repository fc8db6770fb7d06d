"""What a network costs before anyone has run it: parameters, multiply-accumulates, bytes of its weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from leukolens.networks.choice import NetworkChoice
from leukolens.networks.field import FieldNetwork


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


def measure_cost(choice: NetworkChoice, classes: int, size: tuple[int, int]) -> Cost:
    """Count what a network costs for one prepared picture.

    Nothing is computed and no weight is made: the network is built on PyTorch's meta device, which knows shapes only.

    Parameters
    ----------
    choice
        Network and head; its start weights do not matter.
    classes
        Number of classes.
    size
        Height and width of the prepared picture, px.

    Returns
    -------
    Cost

    Raises
    ------
    UsageError
        For an unknown network, or a size that it cannot take.

    Notes
    -----
    A multiply-accumulate is counted as one; PyTorch's counter, which this rests on, counts it as two operations.
    """
    counter = FlopCounterMode(display=False)
    with torch.device("meta"), torch.no_grad():
        untrained = choice.model_copy(update={"weights": "none"})
        network = FieldNetwork(untrained, classes=classes, size=size).eval()
        with counter:
            network.logits(torch.zeros((1, *size, 3), dtype=torch.uint8))
    state = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return Cost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=int(counter.get_total_flops()) // 2,
        bytes=4 * sum(tensor.numel() for tensor in state),
    )
