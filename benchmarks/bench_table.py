"""Results as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench_rounds import COLD, END_TO_END, FOLDER, NETWORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TASKS = {
    END_TO_END: "end to end, streaming",
    FOLDER: "whole command on a folder",
    NETWORK: "network only",
}


def to_markdown(results: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    results
        As written to ``bench.json``.
    """
    parts = [
        "# Speed and memory",
        *_warnings(results),
        _how(results),
        "## Targets",
        _targets(results["targets"]),
        "## Cold start",
        "`leukolens screen PICTURE --json` in a fresh process, from its start to its end; files in the system's cache.",
        _cold(results["measured"]),
        "## Pictures per second",
        _what_is_what(results["numbers"]),
        _rates(results["measured"]),
        "## Times as fast",
        "Ratios of values of the same round. The rival's time is end to end without its start-up.",
        _ratios(results["ratios"]),
        "## A folder of many pictures, with report",
        "`leukolens screen FOLDER --only field --out DIR`, once for each engine, start-up and report.html included.",
        _many(results["many"]),
        "## Who ran",
        _contestants(results["contestants"]),
        _foot(results),
    ]
    return "\n\n".join(parts) + "\n"


def missed(results: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each target that was missed."""
    return [
        f"target missed: {target['what']}: {_promise(target)}, measured {_measure(target)}"
        for target in results["targets"]
        if not target["met"]
    ]


def _warnings(results: Mapping[str, Any]) -> list[str]:
    found = []
    if results["quick"]:
        found.append("**A quick run, to see that everything works: its figures mean nothing.**")
    if results["machine"]["busy"]:
        load = results["machine"]["load_before"]
        found.append(f"**The machine was busy (load {load:.1f} before the start): these figures are noise.**")
    return [*found, *(f"**{line[0].upper()}{line[1:]}.**" for line in missed(results))]


def _how(results: Mapping[str, Any]) -> str:
    machine, numbers, manifest = results["machine"], results["numbers"], results["manifest"]
    return (
        f"`make bench`, {manifest['time'][:10]}, on {machine['cores']} cores ({machine['cpu']}, {manifest['platform']}); "
        f"all contestants have the same cores and {machine['threads']} threads each. "
        f"{numbers['rounds']} rounds, each of which measures everything once, in turns. Figures are medians with a 95 % "
        f"bootstrap interval. Pictures: {results['pictures']['source']}, under new names up to the number needed."
    )


def _targets(targets: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (target["what"], _promise(target), _measure(target), "met" if target["met"] else "**missed**")
        for target in targets
    ]
    return _table(("what", "target", "measured", ""), rows)


def _cold(measured: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (row["contestant"], _interval(row, 2), f"{row['least']:.2f} to {row['most']:.2f}", str(len(row["values"])))
        for row in measured
        if row["task"] == COLD
    ]
    return _table(("", "s", "range", "runs"), rows)


def _what_is_what(numbers: Mapping[str, Any]) -> str:
    return (
        "End to end is from the file to the finding (to the class's probability for the rivals), in a process that runs "
        f"already. The whole command is `leukolens screen FOLDER --only field --out DIR --no-report` on "
        f"{numbers['folder']:,} pictures in a fresh process, its start and the writing of findings included."
    )


def _rates(measured: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(row["contestant"] for row in measured))
    found = {(row["contestant"], row["task"]): row for row in measured}
    rows = [
        (name, *(_interval(found[name, task], 1) if (name, task) in found else "" for task in _TASKS)) for name in names
    ]
    return _table(("", *_TASKS.values()), rows)


def _ratios(ratios: Sequence[Mapping[str, Any]]) -> str:
    rows = [(_TASKS[row["task"]], row["contestant"], row["rival"], _interval(row, 1)) for row in ratios]
    return _table(("", "", "against", "times"), rows)


def _many(many: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            row["contestant"],
            f"{row['pictures']:,}",
            f"{row['seconds']:.1f}",
            f"{row['pictures_per_s']:.1f}",
            f"{row['peak_mb']:.0f}",
        )
        for row in many
    ]
    return _table(("", "pictures", "s", "pictures/s", "peak MB"), rows)


def _contestants(contestants: Mapping[str, Mapping[str, Any]]) -> str:
    return _table(("", ""), [(name, _description(said)) for name, said in contestants.items()])


def _description(said: Mapping[str, Any]) -> str:
    size = f"input {said['input'][1]} x {said['input'][0]} px, {said['precision']}, {said['threads']} threads"
    if "engine" in said:
        return f"bundle {said['bundle']} {said['version']} ({said['architecture']}), {said['engine']}, {size}"
    best = said["setting"]
    layout = "channels last" if best["channels_last"] else "channels first"
    return (
        f"{said['network']}, {said['gmacs']:.2f} GMAC, {size}; fastest of {len(said['tried'])} settings: {layout}, "
        f"batch {best['batch']}, {best['callers']} caller{'s' if best['callers'] > 1 else ''}"
    )


def _foot(results: Mapping[str, Any]) -> str:
    manifest = results["manifest"]
    packages = ", ".join(f"{name} {version}" for name, version in manifest["packages"].items())
    code = manifest["code"] or {}
    commit = f", commit {code['commit'][:12]}{'' if code['clean'] else ' with changes'}" if code else ""
    return (
        f"leukolens {manifest['leukolens']}{commit}; Python {manifest['python']}; {packages}. Every value is in "
        "`bench.json`. Speed was measured, not truth: for research use only, not a diagnosis."
    )


def _promise(target: Mapping[str, Any]) -> str:
    return f"{'at least' if target['at_least'] else 'at most'} {target['limit']:g} {target['unit']}"


def _measure(target: Mapping[str, Any]) -> str:
    digits = 2 if target["unit"] == "s" else 0 if target["unit"] == "MB" else 1
    text = f"{target['measured']:.{digits}f}"
    if target["low"] is not None:
        text += f" ({target['low']:.{digits}f} to {target['high']:.{digits}f})"
    return f"{text} {target['unit']}"


def _interval(row: Mapping[str, Any], digits: int) -> str:
    return f"{row['median']:.{digits}f} ({row['low']:.{digits}f} to {row['high']:.{digits}f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
