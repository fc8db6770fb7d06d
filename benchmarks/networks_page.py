"""The page of `benchmarks/networks.py`: one row a network, and what its columns mean."""

from __future__ import annotations

from typing import Any, Final

ENGINES: Final = ("openvino", "onnxruntime")
SATURATED: Final = 1e-6
"""Where no second class of any picture has a larger probability, probabilities agree whatever the logits are."""
_TITLES: Final = (
    "network", "recipe", "head", "input, px", "parameters, M", "ONNX, MB", "steps", "training loss", "processor s a sample",
    "trained", "probability", "range of a logit", "logit", "class map", "compared",
)  # fmt: skip
_RIGHT: Final = {"parameters, M", "ONNX, MB", "steps", "processor s a sample", "range of a logit"}


def page(results: list[dict[str, Any]], a_class: int) -> str:
    """Return the page.

    Parameters
    ----------
    results
        What `benchmarks/networks.py` says of each network; ``agreement`` is missing where probabilities alone were
        compared.
    a_class
        Pictures of each class.
    """
    marks = ["---:" if title in _RIGHT else "---" for title in _TITLES]
    table = [_line(_TITLES), _line(marks), *(_line(_cells(one)) for one in results)]
    return "\n".join([*_introduction(results, a_class), "", *table, *_notes(results)]) + "\n"


def _introduction(results: list[dict[str, Any]], a_class: int) -> list[str]:
    batch = ", ".join(sorted({str(one.get("batch", 8)) for one in results}))
    return [
        "# Every network, some steps on a processor",
        "",
        f"Trained from random weights on {a_class} pictures a class (some of them held out), batches of {batch}, exported, and compared with the",
        "ONNX file on the pictures held out. It shows that the whole way works for each; it says nothing of how good they are.",
        "`python benchmarks/networks.py DATA --out RUNS`; manifest in `networks.json`.",
        "",
        "The last columns are the largest differences between PyTorch and the ONNX file, in OpenVINO / in ONNX Runtime:",
        "",
        "- probability: of a class, absolute;",
        "- logit: as a share of how far the logit of a class ranges over the pictures, which stands before it. An engine that",
        "  says the same of every picture would have 0.5 or more. Where the network itself says nearly the same of every picture,",
        "  32-bit rounding is a larger share, and the comparison proves the less;",
        "- class map: of a place, as a share of the largest value in the picture's class maps.",
        "",
        "\"Trained\" is when the run and its time were measured, \"compared\" when the comparison was.",
    ]  # fmt: skip


def _cells(one: dict[str, Any]) -> list[str]:
    agreement = one.get("agreement")
    probability = {engine: agreement[engine]["probability"] for engine in ENGINES} if agreement else one["difference"]
    return [
        one["network"],
        one["recipe"],
        one["head"],
        f"{one['size'][0]} x {one['size'][1]}",
        f"{one['parameters'] / 1e6:.1f}",
        f"{one['onnx_megabytes']:.1f}",
        str(one["steps"]),
        _losses(one["loss"]),
        f"{one['processor_seconds_a_sample']:.2f}",
        _time(one["measured"]),
        _both(probability) + (" (saturated)" if is_saturated(one) else ""),
        f"{agreement['logit_range']:.2g}" if agreement else "-",
        _both({engine: agreement[engine]["logit"] for engine in ENGINES}) if agreement else "-",
        _both({engine: agreement[engine]["class_map"] for engine in ENGINES}) if agreement else "-",
        _time(agreement["measured"] if agreement else one["measured"]),
    ]


def is_saturated(one: dict[str, Any]) -> bool:
    """Tell whether a network's probabilities are all 0 or 1, so that their agreement proves nothing."""
    return bool(one.get("agreement")) and one["agreement"]["second_probability"] < SATURATED


def _notes(results: list[dict[str, Any]]) -> list[str]:
    notes = []
    if any(is_saturated(one) for one in results):
        notes.append(
            "Saturated: after so few steps every probability is 0 or 1, and would agree whatever the logits are. There the logits and\n"
            "the class maps are the proof."
        )
    if missing := [one["network"] for one in results if not one.get("agreement")]:
        notes.append(
            f"A dash: probabilities alone were compared, and the run's weights were not kept. `--only {','.join(missing)} --agreement`\n"
            "trains again and compares all three."
        )
    again = [one for one in results if (one.get("agreement") or {}).get("loss")]
    if again:
        same = [one for one in again if one["agreement"]["loss"] == one["loss"]]
        other = [f"{one['network']} ({_losses(one['agreement']['loss'])})" for one in again if one not in same]
        notes.append(
            "Where the comparison is later than the training, the network was trained again in the same way for it; the losses were the same"
            + (f",\nbut for {', '.join(other)}." if other else ".")
        )
    return [line for note in notes for line in ("", note)]


def _line(cells: Any) -> str:  # noqa: ANN401 - any row of words
    return f"| {' | '.join(cells)} |"


def _losses(losses: list[float]) -> str:
    return " -> ".join(f"{value:.3g}" for value in losses)


def _both(values: dict[str, float]) -> str:
    return " / ".join(f"{values[engine]:.1e}" for engine in ENGINES)


def _time(stamp: str) -> str:
    return stamp[:16].replace("T", " ")
