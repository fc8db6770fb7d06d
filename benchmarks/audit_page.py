"""Write what an audit found as a page of figures without pictures: ``docs/results/audit``.

python benchmarks/audit_page.py AUDIT --out docs/results/audit/taleqani

AUDIT is the folder that ``leukolens audit`` wrote. Its own report shows pictures, which may not be passed on; this page
and the ``.json`` beside it hold counts, thresholds, probes and timings alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

LEFT_OUT = ("pairs", "report", "flagged", "divided_fields")


def without_pictures(found: object) -> object:
    """Return what was found without lists of files."""
    if isinstance(found, dict):
        return {key: without_pictures(value) for key, value in found.items() if key not in LEFT_OUT}
    return found


def page(found: dict[str, Any], manifest: dict[str, Any]) -> str:
    """Return the page as Markdown."""
    probes, seconds = found["probes"], found["seconds"]
    head = [
        f"# Audit of {found['data']}: what gives figures on it away",
        "",
        f"{found['use']} `{manifest['configuration']['command_line']}`, then `python benchmarks/audit_page.py`. Probes: "
        "balanced accuracy with 95 % intervals over groups; labels dealt anew 499 times.",
        "",
        f"**{found['headline']}**",
        "",
        *(f"- {one['text']}" for one in found["verdict"]),
        "",
        "## Sessions",
        "",
        *(f"- {note}" for note in found["sessions"]["notes"]),
        "",
        "## Shortcut probes",
        "",
        "| " + " | ".join(probes["headings"]) + " |",
        "|" + " --- |" * len(probes["headings"]),
        *("| " + " | ".join(row) + " |" for row in probes["rows"]),
        "",
        *(f"- {note}" for note in probes["notes"]),
        "",
        "## Cost",
        "",
        f"{sum(seconds.values()):.0f} s with {found['jobs']} processes ("
        + ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items() if value >= 1)
        + f"), at most {found['peak_memory_mib']:.0f} MiB.",
    ]
    return "\n".join(head) + "\n"


def main() -> None:
    """Read the audit, write the page and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audit", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="where to write, without the ending")
    asked = parser.parse_args()
    found = json.loads((asked.audit / "audit.json").read_text())
    manifest = json.loads((asked.audit / "manifest.json").read_text())
    asked.out.with_suffix(".md").write_text(page(found, manifest))
    figures = {key: without_pictures(value) for key, value in found.items()} | {"manifest": manifest}
    asked.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
