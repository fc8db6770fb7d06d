"""The field network: scaling, a backbone and a head, from which class maps follow."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from leukolens.finding import UsageError
from leukolens.networks.backbone import build_backbone
from leukolens.networks.choice import NetworkChoice
from leukolens.networks.heads import HEADS, Head
from leukolens.networks.registry import network_entry, weights_config
from leukolens.networks.timm_network import feature_map
from leukolens.networks.trial import last_layer, map_shape


class FieldOutput(NamedTuple):
    """What the field network says of a batch.

    Attributes
    ----------
    logits
        (N, C).
    class_map
        (N, C, h, w): contribution of each place to each logit, see `leukolens.networks.heads`.
    features
        (N, D): the feature map's mean over its places.
    """

    logits: Tensor
    class_map: Tensor
    features: Tensor


class FieldNetwork(nn.Module):
    """Classifies a prepared field.

    Takes pixels as `leukolens.smear.prepare` leaves them, (N, H, W, 3) uint8 RGB: the scaling is part of the network,
    so that no caller can get it wrong.

    Parameters
    ----------
    choice
        Network, head, start weights, scaling.
    classes
        Number of classes, at least 2.
    size
        Height and width of the prepared pictures, px.

    Attributes
    ----------
    target_layer
        The module of the backbone whose output is the last feature map; empty where no module gives it by itself.

    Raises
    ------
    UsageError
        For an unknown network or weights, or a size that the network cannot take.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, choice: NetworkChoice, *, classes: int, size: tuple[int, int]) -> None:
        super().__init__()
        entry = network_entry(choice.name)
        self.classes = classes
        self.size = size
        self.levels, self.tiles = choice.levels, choice.tiles
        tile = self._tile_size()
        self.backbone = build_backbone(entry, choice.weights, tile, choice.scaling, choice.levels)
        # Of several maps none is the last by itself.
        self.target_layer = "" if self.levels > 1 else entry.target_layer or last_layer(self.backbone, tile)
        depth, height, width = map_shape(self.backbone, tile, self.levels)
        shape = depth, self.tiles[0] * height, self.tiles[1] * width
        self.head: Head = HEADS[choice.head](shape, classes, choice.dropout)
        config = {"mean": (0.0,) * 3, "std": (1.0,) * 3} if choice.scaling == "unit" else weights_config(entry)
        for name in ("mean", "std"):
            values = torch.tensor([255.0 * value for value in config[name]]).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)
        self.freeze(choice.frozen)

    def _tile_size(self) -> tuple[int, int]:
        (height, width), (rows, columns) = self.size, self.tiles
        if height % rows or width % columns:
            raise UsageError(
                f"pictures of {width} x {height} px cannot be cut into {rows} rows of {columns} tiles",
                expected=f"a width that is a multiple of {columns} and a height that is one of {rows}",
                todo="change network.tiles, preparation.width or preparation.height",
            )
        return height // rows, width // columns

    def freeze(self, stages: int) -> None:
        """Keep the first stages as they are, batch statistics included: training is faster and keeps their features.

        Parameters
        ----------
        stages
            How many: 1 is the stem alone, each further one a stage of the backbone, as timm counts them.

        Raises
        ------
        UsageError
            If there are not so many, or timm does not know the backbone's stages.
        """
        if not stages:
            return
        numbers, count = self.stage_numbers()
        if stages > count:
            raise UsageError(
                f"network {type(self.backbone).__name__} has no {stages} stages to freeze",
                expected=f"network.frozen of {count} at most",
            )
        for name, number in numbers.items():
            if number < stages:
                self.get_parameter(name).requires_grad_(False)
        self.train(self.training)

    def stage_numbers(self) -> tuple[dict[str, int], int]:
        """Return the stage of each parameter of the backbone, 0 being the stem, and how many stages there are.

        Names are those of the whole network; what is missing is the head.

        Raises
        ------
        UsageError
            If timm does not know the backbone's stages.
        """
        try:
            matcher = self.backbone.group_matcher(coarse=True)  # type: ignore[operator]
            stages: dict[str, int] = group_parameters(self.backbone, matcher, reverse=True)
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise UsageError(
                f"the stages of a {type(self.backbone).__name__} are not known",
                todo="leave network.frozen, unfreeze and optimiser.layer_decay as they are by default",
            ) from error
        return {f"backbone.{name}": stage for name, stage in stages.items()}, max(stages.values()) + 1

    def train(self, mode: bool = True) -> Self:
        """Set the mode; frozen batch norms stay as in evaluation."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and module.affine and not module.weight.requires_grad:
                module.eval()
        return self

    def feature_map(self, images: Tensor) -> Tensor:
        """Return feature maps (N, D, h, w) of prepared fields, (N, H, W, 3) uint8."""
        floats = images.permute(0, 3, 1, 2).to(self.mean.dtype)
        scaled = (floats - self.mean) / self.std
        if self.tiles == (1, 1):
            return feature_map(self.backbone, scaled, self.levels)
        (rows, columns), (high, wide) = self.tiles, self._tile_size()
        # -1 and not len(images), which would fix the number of pictures in an exported graph.
        parts = scaled.reshape(-1, 3, rows, high, columns, wide).permute(0, 2, 4, 1, 3, 5).flatten(0, 2)
        features = feature_map(self.backbone, parts, self.levels)
        depth, height, width = self.head.shape
        placed = features.reshape(-1, rows, columns, depth, height // rows, width // columns).permute(0, 3, 1, 4, 2, 5)
        return placed.reshape(-1, depth, height, width)

    def logits(self, images: Tensor) -> Tensor:
        """Return logits (N, C) alone, as training needs them."""
        return self.head.logits(self.feature_map(images))

    def penalty(self) -> Tensor | None:
        """Return what the head adds to the loss, a scalar, or None."""
        return self.head.penalty()

    def forward(self, images: Tensor) -> FieldOutput:
        """Classify prepared fields, (N, H, W, 3) uint8."""
        features = self.feature_map(images)
        return FieldOutput(self.head.logits(features), self.head.class_map(features), features.mean((2, 3)))
