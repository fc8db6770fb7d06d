"""The field network: a backbone, global average pooling and a linear head, from which class maps follow exactly."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from leukolens.networks.registry import build_backbone


class FieldOutput(NamedTuple):
    """What the field network says of a batch.

    Attributes
    ----------
    logits
        (N, C).
    class_map
        (N, C, h, w): contribution of each place to each logit. Its mean over h and w, plus the head's bias, is the
        logit, exactly (class activation mapping, Zhou et al. 2016, doi 10.1109/CVPR.2016.319).
    features
        (N, D): pooled features.
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
    name, weights
        Network and start weights, see `leukolens.networks.registry.build_backbone`.
    classes
        Number of classes, at least 2.
    dropout
        Share of pooled features dropped in training.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, *, classes: int, weights: str = "none", dropout: float = 0.2) -> None:
        super().__init__()
        self.backbone, width, entry = build_backbone(name, weights)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)
        self.register_buffer("mean", torch.tensor(entry.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(entry.std).view(1, 3, 1, 1), persistent=False)

    def freeze(self, stages: int) -> None:
        """Keep the first stages as they are, batch statistics included: training is faster and keeps their features.

        Parameters
        ----------
        stages
            How many: 1 is the stem alone, each further one a stage of the backbone, as timm counts them.
        """
        matcher = self.backbone.group_matcher(coarse=True)  # type: ignore[operator]
        for number, names in group_parameters(self.backbone, matcher).items():
            for name in names if number < stages else ():
                self.backbone.get_parameter(name).requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; frozen batch norms stay as in evaluation."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
                module.eval()
        return self

    def forward(self, images: Tensor) -> FieldOutput:
        """Classify prepared fields, (N, H, W, 3) uint8."""
        scaled = (images.permute(0, 3, 1, 2).to(self.head.weight.dtype) - self.mean) / self.std
        feature_map = self.backbone.forward_features(scaled)  # type: ignore[operator]
        features = feature_map.mean((2, 3))
        logits = self.head(self.dropout(features))
        class_map = torch.einsum("ndhw,cd->nchw", feature_map, self.head.weight)
        return FieldOutput(logits, class_map, features)
