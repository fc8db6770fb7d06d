"""The coverage of intervals, found by ``coverage.py``, as Markdown."""

from __future__ import annotations

from typing import Any


def to_markdown(result: dict[str, Any]) -> str:
    """Return the whole page."""
    configuration, band = result["manifest"]["configuration"], result["band"]
    figures = result["figures"]
    outside = [name for name, row in figures.items() if not band[0] <= row["coverage"] <= band[1]]
    lines = [
        "# What 95 % intervals hold",
        "",
        f"`python benchmarks/coverage.py`, {result['manifest']['time'][:10]}. {configuration['runs']} data sets of each of "
        f"{configuration['settings']} settings: four classes, whole clusters (patients) of one class, images of a cluster right or wrong "
        "together. Coverage: how often the interval holds the true figure, the mean over the settings; the least and the most of a "
        "single setting; how often the interval lies wholly below or above the truth. Beside it the plain percentile bootstrap over "
        f"groups, on {configuration['bootstrap_runs']} data sets of each setting. The simulation's own error (one standard deviation) is about "
        f"{100 * (0.95 * 0.05 / configuration['runs']) ** 0.5:.1f} points for one setting, a third of that for the mean. The methods were chosen on other samples of the same settings.",
        "",
        f"{len(figures) - len(outside)} of {len(figures)} kinds of figures lie within {100 * band[0]:.0f} to {100 * band[1]:.0f} %"
        + (f"; outside: {', '.join(f'`{name}`' for name in outside)}." if outside else "."),
        "",
        "| figure | coverage | least | most | below | above | bootstrap |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(name, row, band) for name, row in figures.items()),
        "",
        "## Settings",
        "",
        *(f"- {name}" for name in result["settings"]),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, row: dict[str, Any], band: tuple[float, float]) -> str:
    coverage = _percent(row["coverage"])
    shown = coverage if band[0] <= row["coverage"] <= band[1] else f"**{coverage}**"
    cells = [f"`{name}`", shown, *(_percent(value) for value in (min(row["settings"]), max(row["settings"])))]
    cells += [_percent(row["below"]), _percent(row["above"])]
    cells.append("" if row["bootstrap"] is None else _percent(row["bootstrap"]))
    return "| " + " | ".join(cells) + " |"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"
