"""The page of an audit: one HTML file without script that opens without a network, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leukolens.audit.findings import AuditResult, Pair
from leukolens.audit.gallery import PAIRS, SINGLES, Gallery, Small, spread, strip
from leukolens.audit.links import KINDS
from leukolens.audit.verdict import counted
from leukolens.finding import CLASS_NOTE
from leukolens.finding.paths import plain
from leukolens.report.templating import asset, csp_hash, page_environment, page_values
from leukolens.report.words import probability_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leukolens.audit.run import Audit

_PACKAGE: Final = "leukolens.audit"
_TONES: Final = {"failed": "error", "warning": "review", "note": "open", "good": "clear"}
_LISTED: Final = 60
"""Lines of a list on the page; audit.json has all."""


class PairCard(NamedTuple):
    """Two small pictures and what to say of them."""

    first: Small
    second: Small
    words: str


class Card(NamedTuple):
    """One small picture and what to say of it."""

    picture: Small
    words: str


class Strip(NamedTuple):
    """The sessions of a class in the order of its files."""

    label: str
    source: str
    pictures: int
    sessions: int


def page(audit: Audit, result: AuditResult, manifest: dict[str, Any]) -> str:
    """Return ``report.html``.

    Parameters
    ----------
    audit
        What was found: small pictures are made of its files.
    result
        The same in words and figures.
    manifest
        From `run_manifest`.
    """
    style = asset("leukolens.report", "report.css") + asset(_PACKAGE, "audit.css")
    values = page_values(_PACKAGE) | {
        "style": style,
        "style_hash": csp_hash(style),
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "name": visible(result.data),
        "result": result,
        "class_note": CLASS_NOTE if audit.catalogue.layout.startswith("taleqani") else "",
        "tones": _TONES,
        "tiles": _tiles(result),
        "strips": _strips(audit),
        "facts": _facts(result, manifest),
        "command": manifest["configuration"]["command_line"],
        "listed": _LISTED,
        "counted": counted,
    }
    environment = page_environment(_PACKAGE)
    environment.finalize = _shown  # whatever a name of a file, class or patient holds, everywhere on the page
    return environment.get_template("audit.html.j2").render(values | _galleries(audit, result))


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever the template prints
    return visible(value) if type(value) is str else value


def _galleries(audit: Audit, result: AuditResult) -> dict[str, Any]:
    files = {plain(item.path): audit.catalogue.locate(item) for item in audit.items}
    gallery = Gallery(files)
    copies = {plain(row.entry.path): row.duplicate for row in audit.rows}
    fields = [pair for pair in result.fields.pairs if copies[pair.first.path] != copies[pair.second.path]]
    return {
        "contradictions": _pair_cards(gallery, (one.pair for one in result.contradictions[:PAIRS])),
        "near": _pair_cards(gallery, spread(result.near_duplicates.pairs, PAIRS)),
        "fields": _pair_cards(gallery, spread(fields, PAIRS)),
        "labels": [
            Card(
                gallery.show(one.picture),
                f"labelled {one.picture.label} ({probability_text(one.p_label)}), "
                f"looks like {one.suggested} ({probability_text(one.p_suggested)})",
            )
            for one in result.labels.flagged[:SINGLES]
        ],
        "outliers": [
            Card(gallery.show(one.picture), f"{one.z:.1f} out; {'; '.join(_feature(*two) for two in one.because)}")
            for one in result.outliers.flagged[:SINGLES]
        ],
        "lighting": [
            Card(gallery.show(one.picture), f"{', '.join(one.why)}; focus {one.focus:.2f}, L* {one.exposure:.0f}")
            for one in result.lighting.flagged[:SINGLES]
        ],
    }


def _pair_cards(gallery: Gallery, pairs: Iterable[Pair]) -> list[PairCard]:
    return [PairCard(*gallery.pair(pair), pair_words(pair)) for pair in pairs]


def pair_words(pair: Pair) -> str:
    """Return what was found of a pair, such as "nearly the same picture: 4 bits differ; mirrored left to right"."""
    words = KINDS[pair.kind]
    if pair.kind == "near-duplicate":
        words += f": {counted(round(pair.score), 'bit')} differ{'s' if round(pair.score) == 1 else ''}"
    return f"{words}; {pair.note}" if pair.note else words


def _feature(name: str, z: float) -> str:
    return f"{name} {'> 10' if z > 10 else '< -10' if z < -10 else format(z, '+.1f')}"


def _tiles(result: AuditResult) -> list[tuple[str, str, str]]:
    """Return name, value and tone of each tile."""
    pictures = result.check.images - len(result.check.unreadable)
    counts: list[tuple[str, int | None, str]] = [
        ("pictures", pictures, "open"),
        ("not readable", len(result.check.unreadable), "error" if result.check.unreadable else "open"),
        ("contradictions", len(result.contradictions), "error" if result.contradictions else "clear"),
        ("different pictures", result.groups.duplicate, "open"),
        ("different fields", result.groups.field, "open"),
        ("sessions", result.groups.session, "open"),
        ("labels in doubt", len(result.labels.flagged) if result.labels.status == "done" else None, "review"),
        ("unlike the others", len(result.outliers.flagged) if result.outliers.status == "done" else None, "open"),
    ]
    return [(name, "–" if count is None else str(count), tone) for name, count, tone in counts]


def _strips(audit: Audit) -> list[Strip]:
    strips = []
    for label in audit.catalogue.classes:
        own = [row.session for row in audit.rows if row.entry.label == label]
        if any(own):
            strips.append(Strip(visible(label), strip(own), len(own), len(set(own) - {""})))
    return strips


def _facts(result: AuditResult, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    code = manifest["code"]
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.seconds.items())
    facts = [
        ("data", f"{result.data}, SHA-256 {result.data_sha256 or 'not known: a file could not be read at all'}"),
        ("groups.csv", f"SHA-256 {result.groups_sha256}"),
        ("time taken", f"{sum(result.seconds.values()):.0f} s with {result.jobs} processes: {steps}"),
        ("peak memory", "" if result.peak_memory_mib is None else f"at most {result.peak_memory_mib:.0f} MiB"),
        ("seed", str(result.seed)),
        ("code", f"leukolens {result.leukolens}" + (f", commit {code['commit'][:12]}" if code else "")),
        ("packages", ", ".join(f"{name} {version}" for name, version in result.packages.items())),
        ("time", str(manifest["time"])),
    ]
    return [(name, visible(value)) for name, value in facts if value]
