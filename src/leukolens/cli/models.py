"""``leukolens models``: which networks there are, what each costs, and whether its weights are at hand."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
import json
import re
import sys
from typing import Annotated, Any, Final

import typer

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE, UsageError, nearest

app = new_app()

_TITLES: Final = {
    "name": "network",
    "parameters": "parameters",
    "macs": "MACs",
    "megabytes": "MB",
    "size": "input",
    "scaling": "scaling",
    "licence": "licence",
    "weights": "ImageNet weights",
    "paper": "paper",
}


@app.command(epilog=RESEARCH_USE)
def models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks to show, also timm:NAME; the whole registry if not given.")
    ] = None,
    head: Annotated[str, typer.Option(help="Head to count with: linear, thesis or attention.")] = "linear",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Prepared picture in pixels; by default what suits each network.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the numbers in full and the notes.")
    ] = False,
) -> None:
    """List the networks that recipes can name.

    Parameters, multiply-accumulates (MACs) and megabytes in 32-bit floats are with a head for four classes, on one
    prepared picture of the size shown. The scaling is part of the network: to -1..1, or by mean and standard deviation
    of each channel, which --json gives. A network that does not fit stands with dashes, and below the table is why.
    """
    from leukolens.networks.heads import HEADS
    from leukolens.networks.registry import network_entry
    from leukolens.networks.table import REGISTRY

    if head not in HEADS:
        raise UsageError(f"unknown head {head!r}", todo=nearest(head, HEADS))
    entries = [network_entry(name) for name in names or REGISTRY]
    rows = [_row(entry, head, _size(size) if size else entry.size) for entry in entries]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    sys.stdout.write(_table([_words(row) for row in rows]) + _reasons(rows))


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip().lower())
    if found is None:
        raise UsageError("--size is no size", expected="width and height in pixels, as in 224x168", found=repr(text))
    return int(found[1]), int(found[2])


def _row(entry: Any, head: Any, size: tuple[int, int]) -> dict[str, Any]:  # noqa: ANN401 - the types would import PyTorch
    from leukolens.networks.registry import weights_config
    from leukolens.networks.weights import imagenet_weights

    config = weights_config(entry)
    return _measured(entry, head, size) | {
        "name": entry.name,
        "size": list(size),
        "scaling": {key: [round(255 * value, 3) for value in config[key]] for key in ("mean", "std")},
        "licence": config.get("license") or "unknown",
        "weights": imagenet_weights(entry),
        "paper": entry.paper,
        "timm": entry.timm_name,
        "note": entry.note,
    }


def _measured(entry: Any, head: Any, size: tuple[int, int]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return what building the network on shapes alone tells, or why it cannot be built for such pictures."""
    import torch

    from leukolens.networks.choice import NetworkChoice
    from leukolens.networks.cost import measure_cost
    from leukolens.networks.field import FieldNetwork

    width, height = size
    choice = NetworkChoice(name=entry.name, head=head, weights="none")
    try:
        cost = measure_cost(choice, 4, (height, width))
        with torch.device("meta"):
            target_layer = entry.target_layer or FieldNetwork(choice, classes=4, size=(height, width)).target_layer
    except UsageError as error:
        nothing = dict.fromkeys(("parameters", "macs", "megabytes", "target_layer"))
        found = f"; found {error.found}" if error.found else ""
        return nothing | {"reason": f"{error.message}; expected {error.expected}{found}"}
    measured = {"parameters": cost.parameters, "macs": cost.macs, "megabytes": cost.bytes / 1e6}
    return measured | {"target_layer": target_layer, "reason": None}


def _words(row: dict[str, Any]) -> dict[str, str]:
    fits = row["reason"] is None
    return {key: str(row[key]) for key in _TITLES} | {
        "parameters": f"{row['parameters'] / 1e6:.1f} M" if fits else "-",
        "macs": f"{row['macs'] / 1e9:.2f} G" if fits else "-",
        "megabytes": f"{row['megabytes']:.1f}" if fits else "-",
        "size": f"{row['size'][0]} x {row['size'][1]}",
        "scaling": "-1..1" if set(row["scaling"]["mean"] + row["scaling"]["std"]) == {127.5} else "mean, std",
    }


def _table(rows: list[dict[str, str]]) -> str:
    """Lay the rows out in columns; plain text, so that a pipe gets every name whole."""
    widths = {key: max(len(title), *(len(row[key]) for row in rows)) for key, title in _TITLES.items()}
    right = {"parameters", "macs", "megabytes"}
    lines = [
        "  ".join(line[key].rjust(width) if key in right else line[key].ljust(width) for key, width in widths.items())
        for line in (_TITLES, *rows)
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _reasons(rows: list[dict[str, Any]]) -> str:
    """Say below the table why some networks have no figures; nothing where all have."""
    reasons = [f"- {row['reason']}." for row in rows if row["reason"] is not None]
    if not reasons:
        return ""
    hint = "--size WxH asks for another size here, preparation.width and preparation.height in a recipe."
    return "\n" + "".join(f"{line}\n" for line in (*reasons, hint))
