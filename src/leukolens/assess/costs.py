"""What the network of a run costs: counted, exported and timed; kept, so that a second comparison is quick."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from leukolens.assess.speed import Speed, describe_machine, measure_speed
from leukolens.finding import LeukolensError, UsageError
from leukolens.finding.output import put_file
from leukolens.networks.choice import NetworkChoice
from leukolens.networks.cost import Cost, measure_cost
from leukolens.networks.field import FieldNetwork
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.smear.prepare import Preparation
from leukolens.train.onnx_export import to_onnx
from leukolens.train.statistics import DIMENSIONS, ExportedField, FeatureDistance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leukolens.assess.runs import Run

COSTS_FILE: Final = "costs.json"
NOT_ASKED: Final = "not measured (--no-speed)"


@dataclass(frozen=True)
class Costs:
    """What a network costs; None where it was not measured, and `reason` says why.

    Attributes
    ----------
    parameters, macs, weight_bytes
        See `leukolens.networks.cost.Cost`.
    onnx_bytes
        Size of the ONNX file, 32-bit floats.
    speed
        Pictures a second on this machine.
    reason
        Why something is not there.
    picture
        Width and height of the prepared picture that all of it holds for, px.
    """

    parameters: int | None = None
    macs: int | None = None
    weight_bytes: int | None = None
    onnx_bytes: int | None = None
    speed: Speed | None = None
    reason: str = ""
    picture: tuple[int, int] | None = None


@dataclass(frozen=True)
class Subject:
    """A network to be measured.

    Attributes
    ----------
    choice, preparation
        From the recipe.
    classes
        How many.
    weights
        Trained weights; None measures random ones, which are as fast.
    onnx
        An exported network of the same run; None exports it.
    otherwise
        Width and height for a network that cannot take the size in `preparation`; None lets it go unmeasured.
    """

    choice: Mapping[str, Any]
    preparation: Mapping[str, Any]
    classes: int
    weights: Path | None = None
    onnx: Path | None = None
    otherwise: tuple[int, int] | None = None

    def key(self) -> str:
        """Return what the costs depend on, as a hash: the weights, or the network where there are none."""
        what = [self.preparation, self.choice, self.classes, self.otherwise]
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
        if self.weights is not None:
            with self.weights.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def subject_of(run: Run) -> Subject:
    """Return the network of a run's first fold."""
    folder = run.folds[0].folder
    weights, onnx = folder / RUN_WEIGHTS, folder / "bundle" / "field.onnx"
    recipe = run.identity["recipe"]
    return Subject(
        choice=recipe.get("network", {}),
        preparation=recipe.get("preparation", {}),
        classes=len(run.classes),
        weights=weights if weights.is_file() else None,
        onnx=onnx if onnx.is_file() else None,
    )


@dataclass
class CostBook:
    """Costs measured before on this machine, read from and kept in ``costs.json``.

    Parameters
    ----------
    path
        The file; one that is not there, damaged or of another version counts as empty.
    threads
        Cores to use in timing; None: those there are.
    """

    path: Path
    threads: int | None = None
    known: dict[str, Costs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what is there."""
        try:
            content = json.loads(self.path.read_text("utf-8"))
            self.known = {key: _costs(one) for key, one in content["costs"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.known = {}

    def measure(self, subject: Subject, *, speed: bool) -> Costs:
        """Return what a network costs, measured now or before on this machine.

        Parameters
        ----------
        subject
            The network.
        speed
            Whether to export and time it.

        Returns
        -------
        Costs
            With a reason in it where the network cannot be built, exported or run; nothing is raised for that, as the
            figures of the run stand all the same.

        Raises
        ------
        OutputError
            ``costs.json`` cannot be written.
        """
        machine = json.dumps([describe_machine(), self.threads, torch.__version__], sort_keys=True)
        key = hashlib.sha256((subject.key() + machine).encode()).hexdigest()
        known = self.known.get(key)
        if known is not None and known.speed is not None:
            return known
        costs = _measure(subject, self.threads, speed=speed)
        if costs.speed is not None:
            self.known[key] = costs
            self._keep()
        return costs

    def _keep(self) -> None:
        content = {
            "schema": "1",
            "machine": describe_machine(),
            "costs": {key: asdict(one) for key, one in self.known.items()},
        }
        put_file(self.path, (json.dumps(content, indent=2) + "\n").encode(), todo="make room, or choose another --out")


def _costs(content: dict[str, Any]) -> Costs:
    picture = content.get("picture")
    costs = Costs(**content | {"picture": None if picture is None else tuple(picture)})
    if costs.speed is None:
        return costs
    speed = dict(content["speed"])
    return replace(costs, speed=Speed(**speed | {"rounds": tuple(speed["rounds"])}))


def _measure(subject: Subject, threads: int | None, *, speed: bool) -> Costs:
    costs = Costs()
    try:
        choice = NetworkChoice.model_validate(subject.choice).model_copy(update={"weights": "none"})
        cost, preparation = _count(choice, subject)
        size = (preparation.height, preparation.width)
        costs = Costs(cost.parameters, cost.macs, cost.bytes, reason=NOT_ASKED, picture=size[::-1])
        if speed:
            onnx = _onnx(subject, FieldNetwork(choice, classes=subject.classes, size=size), preparation)
            costs = replace(costs, onnx_bytes=len(onnx), speed=measure_speed(onnx, threads), reason="")
    except (LeukolensError, SafetensorError, RuntimeError, ValueError, OSError, MemoryError) as error:
        words = " ".join(str(error).split())[:200] or type(error).__name__
        return replace(costs, reason=f"cannot be measured: {words}")
    return costs


def _count(choice: NetworkChoice, subject: Subject) -> tuple[Cost, Preparation]:
    """Count on the subject's own pictures; where the network cannot take their size, on those that it can."""
    preparation = Preparation.model_validate(subject.preparation)
    try:
        return measure_cost(choice, subject.classes, (preparation.height, preparation.width)), preparation
    except UsageError:
        if subject.otherwise is None:
            raise
    width, height = subject.otherwise
    preparation = Preparation.model_validate({**subject.preparation, "width": width, "height": height})
    return measure_cost(choice, subject.classes, (height, width)), preparation


def _onnx(subject: Subject, network: FieldNetwork, preparation: Preparation) -> bytes:
    if subject.onnx is not None:
        return subject.onnx.read_bytes()
    if subject.weights is not None:
        network.load_state_dict(load_file(subject.weights))
    return to_onnx(with_distance(network.eval(), subject.classes, preparation), preparation)


def with_distance(network: FieldNetwork, classes: int, preparation: Preparation) -> ExportedField:
    """Add a distance to training features of the size that a bundle's has; its numbers do not matter to the speed."""
    with torch.inference_mode():
        picture = torch.zeros((1, preparation.height, preparation.width, 3), dtype=torch.uint8)
        width = network(picture).features.shape[1]
    directions = min(DIMENSIONS, width - 1)
    axes = torch.eye(width)[:, :directions].contiguous()
    distance = FeatureDistance(torch.zeros(classes, width), axes, torch.ones(directions), torch.tensor(1.0))
    return ExportedField(network, distance).eval()
