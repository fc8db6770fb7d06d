"""Eager PyTorch as a contestant, at its fastest: layout, batch and division of the cores are tried out first."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import timm
import torch
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench_workers import Contestant

RESNET: Final = "resnetv2_152"
_CLASSES = 4
_AT_LEAST = 16
"""Pictures that a trial of a setting takes at least."""


@dataclass(frozen=True)
class Setting:
    """How PyTorch is run.

    Attributes
    ----------
    channels_last
        Memory layout of weights and pictures.
    batch
        Pictures at a time.
    callers
        Python threads that each run whole batches; the cores are divided among them.
    """

    channels_last: bool
    batch: int
    callers: int


class EagerTorch:
    """A plain PyTorch script: Pillow decodes and resizes, NumPy scales, the network runs eagerly in f32.

    Weights are random: they do not change the speed. Batch norms are in evaluation, gradients off.

    Parameters
    ----------
    name
        Network in timm. For `RESNET` the strides are moved to where Keras' ResNet152V2 has them.
    size
        (height, width) of its input, px.
    threads
        Cores to use.
    files
        Pictures; taken from the start again where more are asked for.
    batches
        Sizes of batch to try.
    """

    def __init__(
        self, name: str, size: tuple[int, int], threads: int, files: Sequence[Path], batches: Sequence[int]
    ) -> None:
        torch.manual_seed(0)
        network = timm.create_model(name, pretrained=False, num_classes=_CLASSES).eval()
        self._name = name
        self._network: nn.Module = with_keras_strides(network) if name == RESNET else network
        self._size = size
        self._threads = threads
        self._files = list(files)
        self._run = {"end to end": self._end_to_end, "network only": self._network_only}
        self._macs = count_macs(self._network, size)
        self._tried: list[dict[str, Any]] = []
        self._use(self._fastest(batches))

    def unit(self, task: str) -> int:  # noqa: ARG002 - the same for both tasks
        """Return of what a number of pictures must be a multiple."""
        return self._setting.batch * self._setting.callers

    def seconds(self, task: str, count: int) -> float:
        """Do a task for a number of pictures and return the seconds it took."""
        start = time.perf_counter()
        self._run[task](count)
        return time.perf_counter() - start

    def describe(self) -> dict[str, Any]:
        """Say which network it is, how it is set, and what else was tried."""
        return {
            "network": f"timm {self._name}" + (", strides as in Keras' ResNet152V2" if self._name == RESNET else ""),
            "gmacs": round(self._macs / 1e9, 3),
            "input": list(self._size),
            "precision": "f32",
            "threads": self._threads,
            "setting": asdict(self._setting),
            "tried": self._tried,
        }

    def _fastest(self, batches: Sequence[int]) -> Setting:
        """Try both layouts, with one caller and with one a core, at a middle batch; then the other batches."""
        middle = sorted(batches)[len(batches) // 2]
        callers = sorted({1, self._threads})
        first = [Setting(layout, middle, number) for layout in (False, True) for number in callers]
        best = max(first, key=self._try)
        others = [Setting(best.channels_last, batch, best.callers) for batch in batches if batch != middle]
        rates = {setting: self._rate_of(setting) for setting in (best, *others)}
        return max(rates, key=rates.__getitem__)

    def _try(self, setting: Setting) -> float:
        self._use(setting)
        unit = setting.batch * setting.callers
        self._network_only(unit)  # warm
        count = -(-_AT_LEAST // unit) * unit
        rate = count / self.seconds("network only", count)
        self._tried.append(asdict(setting) | {"pictures_per_s": round(rate, 2)})
        return rate

    def _rate_of(self, setting: Setting) -> float:
        """Return the rate of a setting, tried now if it was not before."""
        for tried in self._tried:
            if {name: tried[name] for name in asdict(setting)} == asdict(setting):
                return float(tried["pictures_per_s"])
        return self._try(setting)

    def _use(self, setting: Setting) -> None:
        self._setting = setting
        self._layout = torch.channels_last if setting.channels_last else torch.contiguous_format
        self._network.to(memory_format=self._layout)
        torch.set_num_threads(max(1, self._threads // setting.callers))
        self._ready = torch.rand(setting.batch, 3, *self._size).contiguous(memory_format=self._layout)

    def _network_only(self, count: int) -> None:
        self._by_callers(count, lambda batches: [self._classify(self._ready) for _ in batches])

    def _end_to_end(self, count: int) -> None:
        self._by_callers(count, self._classify_files)

    def _by_callers(self, count: int, work: Callable[[range], object]) -> None:
        """Deal whole batches out to the callers and wait for all of them."""
        batches = count // self._setting.batch
        shares = [range(caller, batches, self._setting.callers) for caller in range(self._setting.callers)]
        with ThreadPoolExecutor(self._setting.callers) as pool:
            list(pool.map(work, shares))

    def _classify_files(self, batches: range) -> None:
        size = self._setting.batch
        # A caller that has several cores decodes on all of them, as a loader of data would.
        with ThreadPoolExecutor(max(1, self._threads // self._setting.callers)) as pool:
            for batch in batches:
                chosen = [self._files[(batch * size + number) % len(self._files)] for number in range(size)]
                pixels = np.stack(list(pool.map(partial(load_scaled, size=self._size), chosen)))
                images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(memory_format=self._layout)
                self._classify(images)

    @torch.inference_mode()
    def _classify(self, images: torch.Tensor) -> list[list[float]]:
        found: list[list[float]] = self._network(images).softmax(1).tolist()
        return found


def load_scaled(path: Path, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Read a picture as a plain script does: decode, resize to (height, width), scale to -1..1.

    Returns
    -------
    NDArray
        (height, width, 3) float32.
    """
    height, width = size
    with Image.open(path) as image:
        resized = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32) / np.float32(127.5) - np.float32(1)


def with_keras_strides(network: nn.Module) -> nn.Module:
    """Move the strides of timm's ResNetV2 to where Keras' ResNet152V2 has them, which makes it 5 % cheaper.

    timm halves the picture in the first block of a stage (He et al. 2016, arXiv 1603.05027), Keras in the last block
    of the stage before, its shortcut by taking every second pixel.

    Parameters
    ----------
    network
        A ``resnetv2`` of timm with bottlenecks; changed.
    """
    stages: Any = network.stages
    for before, stage in pairwise(stages):
        first, last = stage.blocks[0], before.blocks[-1]
        first.conv2.stride = first.downsample.conv.stride = (1, 1)
        last.conv2.stride = (2, 2)
        last.downsample = nn.MaxPool2d(1, stride=2)
    return network


def count_macs(network: nn.Module, size: tuple[int, int]) -> int:
    """Return the multiplications of one picture (height, width) in convolutions and matrices."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, *size))
    return int(counter.get_total_flops() // 2)


def build_resnet(threads: int, files: Sequence[Path], batches: Sequence[int]) -> Contestant:
    """Build ResNet152V2 at 224 x 224 px and find its fastest setting. Parameters as of `EagerTorch`."""
    return EagerTorch(RESNET, (224, 224), threads, files, batches)


def build_same(
    architecture: str, size: tuple[int, int], threads: int, files: Sequence[Path], batches: Sequence[int]
) -> Contestant:
    """Build a network of leukolens' registry and find its fastest setting. Other parameters as of `EagerTorch`."""
    from leukolens.networks.registry import network_entry

    return EagerTorch(network_entry(architecture).timm_name, size, threads, files, batches)
