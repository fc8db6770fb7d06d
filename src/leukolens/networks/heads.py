"""Heads: from the last feature map to logits, and from the logits back to the places that made them.

Every head gives a class map beside its logits, (N, C, h, w). For all heads but the thesis' its mean over h and
w plus the bias of the last layer is the logit, exactly (class activation mapping, Zhou et al. 2016, doi
10.1109/CVPR.2016.319). The dense head of the thesis is linear piece by piece: there the class map is the feature map
times the logit's gradient (HiResCAM, Draelos & Carin 2020, arXiv 2011.08891), written out so that it runs in the
exported graph, and the mean of the map differs from the logit by a bias that depends on the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """What every head can do.

    Parameters
    ----------
    shape
        D, h and w of the feature map.
    classes
        Number of classes C.
    dropout
        Share of what enters the last layers that is dropped in training; a head with rates of its own ignores it.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float) -> None:
        super().__init__()
        self.shape = shape
        self.classes = classes
        self.rate = dropout

    def logits(self, feature_map: Tensor) -> Tensor:
        """Return logits (N, C) of feature maps (N, D, h, w)."""
        raise NotImplementedError

    def class_map(self, feature_map: Tensor) -> Tensor:
        """Return class maps (N, C, h, w) of feature maps (N, D, h, w), in evaluation mode."""
        raise NotImplementedError

    def penalty(self) -> Tensor | None:
        """Return what the head adds to the loss for the size of its weights, a scalar, or None."""
        return None


class LinearHead(Head):
    """Global average, dropout, one linear layer."""

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float = 0.2) -> None:
        super().__init__(shape, classes, dropout)
        # Held directly and not in a nn.Linear, so that weights keep the names head.weight and head.bias.
        linear = nn.Linear(shape[0], classes)
        self.weight = linear.weight
        self.bias = linear.bias

    def logits(self, feature_map: Tensor) -> Tensor:
        """Return logits (N, C) of feature maps (N, D, h, w)."""
        pooled = nn.functional.dropout(feature_map.mean((2, 3)), self.rate, self.training)
        return nn.functional.linear(pooled, self.weight, self.bias)

    def class_map(self, feature_map: Tensor) -> Tensor:
        """Return the contribution of each place to each logit."""
        return torch.einsum("ndhw,cd->nchw", feature_map, self.weight)


class StandardisedHead(LinearHead):
    """As the linear head, and each averaged feature is brought to about mean 0 and spread 1 beforehand.

    A linear layer over the features of a frozen backbone needs it: these lie on scales of their own. Batch
    normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167) without scale and shift: by the batch in training, afterwards
    by running means over the last batches, or by what `solved` is given.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float = 0.2) -> None:
        super().__init__(shape, classes, dropout)
        self.norm = nn.BatchNorm1d(shape[0], affine=False)

    def solved(self, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> None:
        """Take what has been fitted elsewhere: mean and variance (D,) of the features, weight (C, D), bias (C,)."""
        for name, values in (("running_mean", mean), ("running_var", variance)):
            self.norm.get_buffer(name).copy_(values)
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.copy_(bias)

    def logits(self, feature_map: Tensor) -> Tensor:
        """Return logits (N, C) of feature maps (N, D, h, w)."""
        pooled = nn.functional.dropout(self.norm(feature_map.mean((2, 3))), self.rate, self.training)
        return nn.functional.linear(pooled, self.weight, self.bias)

    def class_map(self, feature_map: Tensor) -> Tensor:
        """Return the contribution of each place to each logit."""
        mean, variance = self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None:
            raise TypeError("a batch norm without running statistics has no fixed slope")
        slopes = self.weight * torch.rsqrt(variance + self.norm.eps)
        return torch.einsum("ndhw,cd->nchw", feature_map - mean[:, None, None], slopes)


class ThesisHead(Head):
    """The head of Resnet152v2ALL and of the thesis' other networks.

    Flatten; dense 128, ReLU, L2 0.001; batch norm; dropout 0.5; dense 156, ReLU, L2 0.01; batch norm; dropout 0.4;
    dense C. Start and constants are Keras': Glorot-uniform weights, biases 0, batch norm with momentum 0.99 and epsilon
    0.001. The softmax is part of the loss.
    """

    L2: Final = (1e-3, 1e-2)

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float = 0.0) -> None:
        super().__init__(shape, classes, dropout)
        self.dense1 = _keras_dense(shape[0] * shape[1] * shape[2], 128)
        self.norm1 = nn.BatchNorm1d(128, eps=1e-3, momentum=0.01)
        self.drop1 = nn.Dropout(0.5)
        self.dense2 = _keras_dense(128, 156)
        self.norm2 = nn.BatchNorm1d(156, eps=1e-3, momentum=0.01)
        self.drop2 = nn.Dropout(0.4)
        self.dense3 = _keras_dense(156, classes)

    def logits(self, feature_map: Tensor) -> Tensor:
        """Return logits (N, C) of feature maps (N, D, h, w)."""
        hidden = self.drop1(self.norm1(self.dense1(feature_map.flatten(1)).relu()))
        hidden = self.drop2(self.norm2(self.dense2(hidden).relu()))
        logits: Tensor = self.dense3(hidden)
        return logits

    def class_map(self, feature_map: Tensor) -> Tensor:
        """Return the feature map times the gradient of each logit, summed over D and scaled to have the sum as mean."""
        depth, height, width = self.shape
        first = self.dense1(feature_map.flatten(1))
        second = self.dense2(self.norm1(first.relu()))
        # Backwards through dense 3, norm 2, ReLU, dense 2, norm 1, ReLU, dense 1: (N, C, ...) at each step.
        gradient = self.dense3.weight * _slope(self.norm2) * (second > 0).to(first.dtype)[:, None]
        gradient = (gradient @ self.dense2.weight) * _slope(self.norm1) * (first > 0).to(first.dtype)[:, None]
        by_place = (gradient @ self.dense1.weight).reshape(-1, self.classes, depth, height, width)
        contributions: Tensor = (by_place * feature_map[:, None]).sum(2) * (height * width)
        return contributions

    def penalty(self) -> Tensor:
        """Return the sum of the squared weights of both dense layers, each with its factor."""
        parts = zip(self.L2, (self.dense1, self.dense2), strict=True)
        return torch.stack([factor * layer.weight.square().sum() for factor, layer in parts]).sum()


class AttentionHead(Head):
    """Self-attention over the places of the feature map, then global average, dropout, one linear layer.

    As in SAGAN (Zhang et al. 2019, arXiv 1805.08318): keys and queries of D / 8, the attended map is added with a gain
    that starts at 0. Departures: scores are divided by the root of their length, and values are projected once. The
    thesis speaks of "a self-attention layer over the pooled features" and says no more.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float = 0.2) -> None:
        super().__init__(shape, classes, dropout)
        depth, narrow = shape[0], max(8, shape[0] // 8)
        self.query = nn.Linear(depth, narrow, bias=False)
        self.key = nn.Linear(depth, narrow, bias=False)
        self.value = nn.Linear(depth, depth, bias=False)
        self.gain = nn.Parameter(torch.zeros(1))
        self.linear = nn.Linear(depth, classes)

    def logits(self, feature_map: Tensor) -> Tensor:
        """Return logits (N, C) of feature maps (N, D, h, w)."""
        pooled = self._attended(feature_map).mean(1)
        logits: Tensor = self.linear(nn.functional.dropout(pooled, self.rate, self.training))
        return logits

    def class_map(self, feature_map: Tensor) -> Tensor:
        """Return the contribution of each place, after attention, to each logit."""
        attended = self._attended(feature_map)
        by_place: Tensor = torch.einsum("ntd,cd->nct", attended, self.linear.weight)
        return by_place.unflatten(2, self.shape[1:])  # type: ignore[no-untyped-call, no-any-return]

    def _attended(self, feature_map: Tensor) -> Tensor:
        """Return (N, h * w, D)."""
        tokens = feature_map.flatten(2).transpose(1, 2)
        queries, keys = self.query(tokens), self.key(tokens)
        scores = queries @ keys.transpose(1, 2) / queries.shape[-1] ** 0.5
        attended: Tensor = tokens + self.gain * (scores.softmax(-1) @ self.value(tokens))
        return attended


HEADS: Final[dict[str, Callable[[tuple[int, int, int], int, float], Head]]] = {
    "linear": LinearHead,
    "standardised": StandardisedHead,
    "thesis": ThesisHead,
    "attention": AttentionHead,
}


def _keras_dense(inputs: int, outputs: int) -> nn.Linear:
    dense = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(dense.weight)
    nn.init.zeros_(dense.bias)
    return dense


def _slope(norm: nn.BatchNorm1d) -> Tensor:
    variance = norm.running_var
    if variance is None:
        raise TypeError("a batch norm without running statistics has no fixed slope")
    return norm.weight * torch.rsqrt(variance + norm.eps)
