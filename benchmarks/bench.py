"""Measure speed and memory, beside PyTorch on the same cores: ``python benchmarks/bench.py --help``.

Needs the extras ``dev`` and ``train``, and Linux or macOS. Other programs should rest meanwhile.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench_images import SEED, Pictures, fill_folder, find_pictures, render_pictures
from bench_results import collect, is_busy
from bench_rounds import CommandLine, ManyRun, Series, command_series, measure, tell, worker_series
from bench_table import missed, to_markdown
from bench_workers import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT: Final = Path(__file__).resolve().parent.parent / "docs" / "results"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")


@dataclass(frozen=True)
class Numbers:
    """How much is measured.

    Attributes
    ----------
    rounds
        Repetitions of everything.
    different
        Different pictures.
    folder
        Pictures of the folder that is screened once a round.
    many
        Pictures of the folder that is screened once, for memory.
    seconds
        What a repetition of a rate takes, about.
    batches
        Sizes of batch that the rivals try.
    """

    rounds: int = 7
    different: int = 60
    folder: int = 600
    many: int = 3000
    seconds: float = 1.5
    batches: tuple[int, ...] = (1, 8, 32)


QUICK: Final = Numbers(rounds=2, different=4, folder=6, many=12, seconds=0.2, batches=(1, 2))


@dataclass(frozen=True)
class Scene:
    """What all contestants share: the folders with pictures, the bundle, the cores."""

    pictures: Pictures
    folder: Path
    many: Path
    out: Path
    bundle: str | None
    cores: int


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write and tell; return the exit code."""
    given = _arguments(argv)
    numbers = QUICK if given.quick else Numbers()
    out = given.out or (None if given.quick else OUT)
    load = os.getloadavg()[0]
    cores = take_cores(given.cores)
    if is_busy(load, cores):
        tell(f"other programs are at work (load {load:.1f}): the figures will be noise")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leukolens-bench-") as folder:
        scene = set_up(Path(folder), numbers, given.images, given.bundle, cores)
        results = _head(given, numbers, scene, load) | run(scene, numbers)
    page = to_markdown(results)
    if out is None:
        sys.stdout.write(page)
    else:
        (out / "bench.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (out / "bench.md").write_text(page, encoding="utf-8")
        tell(f"written to {out / 'bench.json'} and bench.md")
    for line in missed(results):
        tell(line)
    return 0


def take_cores(wanted: int) -> int:
    """Keep this process and all that it starts to the first cores it may use; return their number."""
    for name in _THREAD_VARIABLES:
        os.environ.pop(name, None)  # threads are told to each contestant outright
    if not hasattr(os, "sched_setaffinity"):  # macOS: the number of threads is all that can be set
        return min(wanted, os.cpu_count() or 1)
    cores = sorted(os.sched_getaffinity(0))[:wanted]
    os.sched_setaffinity(0, cores)
    return len(cores)


def set_up(root: Path, numbers: Numbers, images: Path | None, bundle: str | None, cores: int) -> Scene:
    """Make the folders of pictures."""
    tell("making pictures")
    if images is None:
        pictures = render_pictures(root / "different", numbers.different, cores)
    else:
        pictures = find_pictures(images, root / "different", numbers.many)
    fill_folder(root / "folder", pictures.files, numbers.folder)
    fill_folder(root / "many", pictures.files, numbers.many)
    return Scene(pictures, root / "folder", root / "many", root / "out", bundle, cores)


def engines() -> list[str]:
    """Return the engines that are installed; the first is the one that leukolens takes by itself."""
    from leukolens.engine.session import choose_engine

    default = choose_engine("auto")
    others = [name for name in ("openvino", "onnxruntime") if name != default and importlib.util.find_spec(name)]
    return [default, *others]


def run(scene: Scene, numbers: Numbers) -> dict[str, Any]:
    """Start the contestants, measure all in turns, and return the measured part of the results."""
    ours = {f"leukolens {engine}": CommandLine(engine, scene.cores, scene.bundle) for engine in engines()}
    series: list[Series] = []
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_our_worker(scene, line.engine)) for name, line in ours.items()}
        described = {name: worker.call("describe") for name, worker in workers.items()}
        rivals = _rivals(scene, numbers, next(iter(described.values())))
        for name, rival in rivals.items():
            tell(f"looking for the fastest setting of {name}")
            workers[name] = stack.enter_context(rival)
            described[name] = rival.call("describe")
        for name, line in ours.items():
            series += command_series(name, line, scene.pictures.files[0], scene.folder, numbers.folder, scene.out)
        for name, worker in workers.items():
            series += worker_series(name, worker, numbers.seconds)
        measure(series, numbers.rounds)
    many = {name: _screen_many(name, line, scene, numbers) for name, line in ours.items()}
    resnet, same = rivals
    return {"contestants": described} | collect(series, many, list(ours), resnet, same)


def _our_worker(scene: Scene, engine: str) -> Worker:
    return Worker("bench_ours", "build_leukolens", scene.bundle, engine, scene.cores, scene.pictures.files)


def _rivals(scene: Scene, numbers: Numbers, ours: dict[str, Any]) -> dict[str, Worker]:
    shared = (scene.cores, scene.pictures.files, numbers.batches)
    return {
        "ResNet152V2 eager": Worker("bench_rivals", "build_resnet", *shared),
        f"{ours['architecture']} eager": Worker(
            "bench_rivals", "build_same", ours["architecture"], tuple(ours["input"]), *shared
        ),
    }


def _screen_many(name: str, line: CommandLine, scene: Scene, numbers: Numbers) -> ManyRun:
    tell(f"{name}: a folder of {numbers.many} pictures with report")
    return line.folder(scene.many, numbers.many, scene.out, report=True)


def _head(given: argparse.Namespace, numbers: Numbers, scene: Scene, load: float) -> dict[str, Any]:
    from leukolens.data.run_manifest import run_manifest

    configuration = asdict(numbers) | {"quick": given.quick, "cores": scene.cores, "own_images": bool(given.images)}
    return {
        "schema": "1",
        "quick": given.quick,
        "manifest": run_manifest("make bench", configuration, scene.pictures.sha256, SEED),
        "machine": {
            "cpu": cpu_name(),
            "cores": scene.cores,
            "threads": scene.cores,
            "load_before": round(load, 2),
            "busy": is_busy(load, scene.cores),
        },
        "pictures": {"source": scene.pictures.source, "sha256": scene.pictures.sha256},
        "numbers": asdict(numbers),
    }


def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed and memory beside PyTorch, in turns on the same cores.")
    parser.add_argument(
        "--quick", action="store_true", help="small numbers, to see that it works; prints, unless --out"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for bench.json and bench.md (default: docs/results)")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="real pictures instead of rendered ones")
    parser.add_argument("--bundle", metavar="NAME|DIR", help="a bundle other than the shipped one")
    parser.add_argument("--cores", type=int, default=2, metavar="N", help="cores that everything runs on (default: 2)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
