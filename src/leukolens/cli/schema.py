"""``leukolens schema``: the contract of the outputs, for programs that read them."""

from __future__ import annotations

import json
import sys

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE, json_schema

app = new_app()


@app.command(epilog=RESEARCH_USE)
def schema() -> None:
    """Print the JSON schema (draft 2020-12) of a finding and of a case, under $defs."""
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
