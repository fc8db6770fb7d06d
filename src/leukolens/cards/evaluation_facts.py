"""What the evaluations of a bundle know: images, kind of split, figures with intervals, errors, stress."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from leukolens.cards.evidence import EVALUATION, MANIFEST
from leukolens.cards.facts import Table, in_words, interval_of, table_of
from leukolens.report.figures import figure_rows

if TYPE_CHECKING:
    from leukolens.cards.evidence import Result
    from leukolens.cards.facts import FactBook, File

_PER_CLASS: Final = ("recall", "precision", "specificity", "auc")
_REPORTS: Final = ("stress", "external", "benchmark", "compare")
_META: Final = frozenset({"schema", "kind", "use", "class_note", "bundle", "methods", "curves"})


def add_result_facts(book: FactBook, result: Result, trained_on: str) -> None:
    """Add what a result says of a bundle.

    Parameters
    ----------
    book
        Gets facts named ``evaluation.``, ``stress.``, ``external.`` or ``benchmark.``.
    result
        Of this bundle.
    trained_on
        Hash of the data set that the bundle learned from; an evaluation on another one is external.
    """
    file = book.file(result.name, result.raw)
    if result.kind != EVALUATION:
        _add_report(book, file, result)
        return
    content = result.content
    _add_images(book, file, content, trained_on)
    _add_figures(book, file, content)
    _add_errors(book, file, content)
    _add_caveats(book, file, content)
    if result.manifest is not None:
        _add_manifest(book, result.name.rpartition("/")[0], result.manifest)


def _add_manifest(book: FactBook, folder: str, raw: bytes) -> None:
    content = json.loads(raw)
    told = _part(content, "configuration") if isinstance(content, dict) else {}
    if command := told.get("command_line"):
        source = book.file(f"{folder}/{MANIFEST}", raw).at("configuration", "command_line")
        book.add("evaluation.command", f"Command: {command}", source)


def _add_images(book: FactBook, file: File, content: Mapping[str, Any], trained_on: str) -> None:
    data, split = _part(content, "data"), _part(content, "split")
    support = in_words(_part(content, "support"))
    elsewhere = bool(trained_on) and data.get("sha256") not in (None, trained_on)
    origin = "another data set than it learned from" if elsewhere else "the data set that it learned from"
    words = f"{data.get('name', 'A data set')} ({origin}): {content.get('images')} images ({support}). {_stamp(split)}"
    sources = (file.at("data"), file.at("images"), file.at("support"), file.at("split"))
    book.add("evaluation.data", words, *sources)
    if elsewhere:
        book.add("evaluation.external", words, *sources)
    else:
        book.add("evaluation.internal", words, *sources)
    book.add("evaluation.seen", str(_part(content, "training").get("sentence", "")), file.at("training", "sentence"))
    looks = _part(content, "test_openings").get("sentence", "")
    book.add("openings", str(looks), file.at("test_openings", "sentence"))
    book.add("evaluation.grouping", f"Counted together: {data.get('grouping', 'not said')}.", file.at("data"))


def _stamp(split: Mapping[str, Any]) -> str:
    return f"{split.get('short', 'Kind of split not recorded')}. {split.get('sentence', '')}".strip()


def _add_figures(book: FactBook, file: File, content: Mapping[str, Any]) -> None:
    stamp, level = _part(content, "split").get("short", "kind of split not recorded"), content.get("level", 0.95)
    head = ("figure", "value", f"{100 * level:g} % interval", "images")
    rows = [*_rows(_part(content, "overall"), ""), *_rows(_part(content, "leukaemia"), "leukaemia: ")]
    caption = f"{file.name.rpartition('/')[0]}: {stamp}."
    book.add("evaluation.figures", caption, file.at("overall"), file.at("split"), table=table_of(head, rows))
    book.add("evaluation.classes", f"By class. {caption}", file.at("classes"), table=_class_table(content))
    used = "; ".join(f"{name}: {words}" for name, words in _part(content, "methods").items())
    book.add("evaluation.methods", f"Methods of the intervals: {used}." if used else "", file.at("methods"))
    leukaemia = _part(content, "leukaemia")
    if "threshold" in leukaemia:
        book.add(
            "evaluation.threshold",
            f"An image counts as leukaemia from a probability of {leukaemia['threshold']:g} on, set before looking.",
            file.at("leukaemia", "threshold"),
        )
    if stress := _part(content, "stress"):
        lost = [
            (name, *(_interval(own, metric) for metric in ("accuracy", "balanced_accuracy")), _loss(own))
            for name, own in stress.items()
        ]
        table = table_of(("stress", "accuracy", "balanced accuracy", "share of balanced accuracy lost"), lost)
        book.add("evaluation.stress", f"The same images, perturbed. {caption}", file.at("stress"), table=table)


def _class_table(content: Mapping[str, Any]) -> Table:
    support = _part(content, "support")
    rows = [
        (name, support.get(name, ""), *(_interval(own, metric) for metric in _PER_CLASS))
        for name, own in _part(content, "classes").items()
    ]
    return table_of(("class", "images", *_PER_CLASS), rows)


def _interval(own: Any, metric: str) -> str:  # noqa: ANN401 - JSON
    figure = own.get(metric) if isinstance(own, dict) else None
    return interval_of(figure) if isinstance(figure, dict) else ""


def _loss(own: Any) -> str:  # noqa: ANN401 - JSON
    return _interval(own.get("loss") if isinstance(own, dict) else None, "balanced_accuracy")


def _rows(figures: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Give every figure of a mapping with its interval, whatever it is called; what is no figure is passed over."""
    for name, figure in figures.items():
        if not isinstance(figure, dict) or "value" not in figure:
            continue
        value = "not defined" if figure["value"] is None else f"{figure['value']:.4g}"
        low, high = figure.get("low"), figure.get("high")
        interval = "" if low is None or high is None else f"{low:.4g} to {high:.4g}"
        yield prefix + name.replace("_", " "), value, interval, str(figure.get("n", ""))


def _add_errors(book: FactBook, file: File, content: Mapping[str, Any]) -> None:
    pairs = content.get("confusions") or []
    rows = [(one.get("label"), one.get("predicted"), one.get("count"), _interval(one, "share")) for one in pairs]
    where = file.name.rpartition("/")[0]
    words = f"{where}/report.html shows the surest wrong images, predictions.csv has every one."
    if rows:
        table = table_of(("true class", "taken for", "images", "share of the class"), rows)
        book.add("evaluation.errors", f"Classes taken for each other. {words}", file.at("confusions"), table=table)
    else:
        book.add("evaluation.errors", f"No image was given a wrong class. {words}", file.at("confusion"))


def _add_caveats(book: FactBook, file: File, content: Mapping[str, Any]) -> None:
    for number, warning in enumerate(content.get("warnings") or []):
        book.add("evaluation.warnings", str(warning), file.at("warnings", number))
    outside, images = content.get("outside_domain"), content.get("images")
    if outside is not None:
        book.add(
            "evaluation.domain",
            f"{outside} of {images} images lie outside the model's domain; screening would give them no label, here "
            "they are judged.",
            file.at("outside_domain"),
        )
    unread = content.get("unread")
    if unread is not None:
        words = f"{len(unread)} chosen images could not be read." if unread else "All chosen images could be read."
        book.add("evaluation.unread", words, file.at("unread"))


def _add_report(book: FactBook, file: File, result: Result) -> None:
    """Add a report of which only the kind is known: every figure in it, as it is called there."""
    name = next((word for word in _REPORTS if word in result.kind), "other")
    told = {key: value for key, value in result.content.items() if key not in _META}
    split = _part(result.content, "split")
    stamp = f" {_stamp(split)}" if split else ""
    table = table_of(("figure", "value"), figure_rows(told))
    title = result.kind.removeprefix("leukolens ").capitalize()
    book.add(f"{name}.report", f"{title}: {file.name}.{stamp}", file.at(), table=table)
    if summary := result.content.get("summary"):
        book.add(f"{name}.summary", f"{title}: {in_words(summary)}", file.at("summary"))
    never = result.content.get("never_seen")
    book.add(f"{name}.never-seen", f"Never seen: {in_words(never)}." if never else "", file.at("never_seen"))


def _part(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}
