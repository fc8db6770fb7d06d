"""What the verbs share: how a Typer application is set up, and the consoles for people."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import typer

from leukolens.finding import RESEARCH_USE

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH: Final = 140


def new_app() -> typer.Typer:
    """Return an empty Typer application with the settings that all verbs share."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        epilog=RESEARCH_USE,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def error_console() -> Console:
    """Return a Rich console on standard error, where everything for people goes while data goes to standard output."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """Return a Rich console on standard output; wide where that is no terminal, so that piped tables stay whole."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if known else PIPED_WIDTH)
