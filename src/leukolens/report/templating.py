"""Templates of all pages: strict, escaped, with the style and script inside and their hashes for the page's policy."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from leukolens import __version__
from leukolens.finding import RESEARCH_USE


def page_environment(package: str) -> Environment:
    """Return the Jinja environment over the folder ``templates`` of a package; a missing value is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(package: str, name: str) -> str:
    """Return the text of a file in the folder ``templates`` of a package."""
    return (resources.files(package) / "templates" / name).read_text("utf-8")


def csp_hash(text: str) -> str:
    """Return the source expression that lets exactly this script or style run (Content Security Policy level 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def page_values(package: str, *styles: str) -> dict[str, str]:
    """Return what every page says: version, research use, and its style sheets in one with their hash."""
    style = "".join(asset(package, name) for name in styles)
    return {
        "version": __version__,
        "research_use": RESEARCH_USE,
        "style": style,
        "style_hash": csp_hash(style),
    }
