"""Mixup and cutmix of a batch, drawn from torch's generator alone: whoever seeds it by step gets the same mixture."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms import v2

from leukolens.train.optimisation import Mixing


def mix(images: Tensor, labels: Tensor, classes: int, mixing: Mixing) -> tuple[Tensor, Tensor]:
    """Mix the pictures of a batch, each with the one before it, and their labels by the same shares.

    Parameters
    ----------
    images
        (N, H, W, 3) uint8.
    labels
        (N,) class indices.
    classes
        Number of classes.
    mixing
        What to do, and how often.

    Returns
    -------
    tuple
        Pictures (N, H, W, 3), float32 in 0..255 where mixed, and labels (N, classes) float32; both as they came where
        the batch is left alone.
    """
    if not torch.rand(()) < mixing.share:
        return images, labels
    kinds = [
        kind(alpha=alpha, num_classes=classes)
        for kind, alpha in ((v2.MixUp, mixing.mixup), (v2.CutMix, mixing.cutmix))
        if alpha > 0
    ]
    chosen = kinds[int(torch.randint(len(kinds), ()))]
    pictures, targets = chosen(images.permute(0, 3, 1, 2).float(), labels)
    return pictures.permute(0, 2, 3, 1), targets.float()
