"""``leukolens models``: which networks there are, what each costs, and whether its weights are at hand."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
import json
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the numbers in full and the notes.")
    ] = False,
) -> None:
    """List the networks that recipes can name.

    Parameters, multiply-accumulates (MACs) and megabytes in 32-bit floats are with a head for four classes, on one
    prepared picture of the size shown. The scaling is part of the network: to -1..1, or by mean and standard deviation
    of each channel, which --json gives.
    """
    from leukolens.networks.heads import HEADS
    from leukolens.networks.registry import network_entry
    from leukolens.networks.table import REGISTRY

    if head not in HEADS:
        raise UsageError(f"unknown head {head!r}", todo=nearest(head, HEADS))
    rows = [_row(network_entry(name), head) for name in names or REGISTRY]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    sys.stdout.write(_table([_words(row) for row in rows]))


def _row(entry: Any, head: Any) -> dict[str, Any]:  # noqa: ANN401 - naming the types would import PyTorch for `--help`
    import torch

    from leukolens.networks.choice import NetworkChoice
    from leukolens.networks.cost import measure_cost
    from leukolens.networks.field import FieldNetwork
    from leukolens.networks.registry import weights_config
    from leukolens.networks.weights import imagenet_weights

    width, height = entry.size
    config = weights_config(entry)
    choice = NetworkChoice(name=entry.name, head=head, weights="none")
    cost = measure_cost(choice, 4, (height, width))
    with torch.device("meta"):
        target_layer = entry.target_layer or FieldNetwork(choice, classes=4, size=(height, width)).target_layer
    return {
        "name": entry.name,
        "parameters": cost.parameters,
        "macs": cost.macs,
        "megabytes": cost.bytes / 1e6,
        "size": [width, height],
        "scaling": {key: [round(255 * value, 3) for value in config[key]] for key in ("mean", "std")},
        "licence": config.get("license") or "unknown",
        "weights": imagenet_weights(entry),
        "paper": entry.paper,
        "timm": entry.timm_name,
        "target_layer": target_layer,
        "note": entry.note,
    }


def _words(row: dict[str, Any]) -> dict[str, str]:
    return {key: str(row[key]) for key in _TITLES} | {
        "parameters": f"{row['parameters'] / 1e6:.1f} M",
        "macs": f"{row['macs'] / 1e9:.2f} G",
        "megabytes": f"{row['megabytes']:.1f}",
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
