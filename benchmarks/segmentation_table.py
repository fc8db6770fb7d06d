"""The figures of ``segmentation.py`` as Markdown."""

from __future__ import annotations

from typing import Any

_CLOCKS = {"wall": "by the clock", "processor": "by the processor"}


def to_markdown(result: dict[str, Any]) -> str:
    """Return the whole page."""
    manifest = result["manifest"]
    rounds = manifest["configuration"]["rounds"]
    lines = [
        "# Segmentation: rate and agreement",
        "",
        *_missed(result["targets"]),
        f"`python benchmarks/segmentation.py DATA`, {manifest['time'][:10]}, on one core, one thread "
        f"({manifest['platform']}, scikit-learn {manifest['packages'].get('scikit-learn')}, OpenCV "
        f"{manifest['packages'].get('opencv-python-headless')}). {result['images']} images of the Taleqani data "
        f"({', '.join(result['size'])} px), 50 a class at even distances, from decoded pixels to the mask. {rounds} rounds, each of "
        "which takes all in turns, twenty images at a time. Medians with a 95 % bootstrap interval over rounds.",
        "",
        "“Literal” is the thesis' segmentation written out with scikit-learn's KMeans on all pixels, scipy and scikit-image "
        "(`benchmarks/literal_segmentation.py`). Its default since scikit-learn 1.4 is one start (k-means++); when the thesis was written "
        "it was ten (`n_init=10`). The target is held against the quicker one.",
        "",
        "## Targets",
        "",
        "| what | at least | measured |  |",
        "| --- | --- | --- | --- |",
        *(
            f"| {row['what']} | {row['target']:g} | {row['measured']:.{1 if row['target'] > 1 else 4}f} | {'met' if row['met'] else '**missed**'} |"
            for row in result["targets"]
        ),
        "",
        "## Rate",
        "",
        "|  | ms an image, by the clock | by the processor | images a second and core |",
        "| --- | --- | --- | --- |",
        *_rates(result["rates"]),
        "",
        "| ours is faster than | by the clock, times | by the processor, times |",
        "| --- | --- | --- |",
        *_times(result["rates"]),
        "",
        "## Agreement",
        "",
        "Intersection over union of the masks, over images; two empty masks agree.",
        "",
        *_agreement(result["agreement"]),
        "",
        "First centres are drawn by k-means++. The literal version depends on its draw: another seed gives another mask. Ours starts from the "
        "best clustering there is, found by dynamic programming, and draws nothing.",
        "",
    ]
    return "\n".join(lines)


def _missed(targets: list[dict[str, Any]]) -> list[str]:
    missed = [row for row in targets if not row["met"]]
    return [
        f"**Target missed: {row['what']}: at least {row['target']:g}, measured {row['measured']:.4g}.**\n"
        for row in missed
    ]


def _rates(rates: dict[str, Any]) -> list[str]:
    rows = []
    for name, wall in rates["wall"]["milliseconds"].items():
        own = rates["processor"]["milliseconds"][name]
        rows.append(f"| {name} | {_span(wall, 2)} | {_span(own, 2)} | {1e3 / own['median']:.0f} |")
    return rows


def _times(rates: dict[str, Any]) -> list[str]:
    return [
        f"| {name} | {_span(wall, 1)} | {_span(rates['processor']['times'][name], 1)} |"
        for name, wall in rates["wall"]["times"].items()
    ]


def _agreement(agreement: dict[str, Any]) -> list[str]:
    classes = list(next(iter(agreement.values()))["by_class"])
    head = ["masks of", "mean", "5th percentile", "least", "identical", "both empty", *classes]
    rows = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for name, one in agreement.items():
        cells = [
            name,
            f"{one['mean']:.4f} ({one['low']:.4f} to {one['high']:.4f})",
            f"{one['fifth_percentile']:.4f}",
            f"{one['least']:.4f}",
            str(one["identical"]),
            str(one["both_empty"]),
            *(f"{one['by_class'][label]:.3f}" for label in classes),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _span(value: dict[str, Any], places: int) -> str:
    return f"{value['median']:.{places}f} ({value['low']:.{places}f} to {value['high']:.{places}f})"
