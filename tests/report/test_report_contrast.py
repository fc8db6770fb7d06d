"""WCAG 2.2 contrast of the page's colours, light and dark, computed from the style sheet itself."""

from __future__ import annotations

import re
from importlib import resources

import pytest

CSS = (resources.files("leukolens.report") / "templates" / "report.css").read_text("utf-8")
TEXT_ON = [
    ("ink", "paper"), ("ink", "card"), ("muted", "paper"), ("muted", "card"), ("accent", "paper"), ("accent", "card"),
    *((tone, f"{tone}-bg") for tone in ("blasts", "clear", "open", "refused", "error", "review")),
    *((tone, "card") for tone in ("blasts", "clear", "open", "refused", "error", "review")),
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    return dict(zip(("light", "dark"), found, strict=True))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_ON)
def test_text_has_the_contrast_of_level_aa(mode: str, ink: str, ground: str) -> None:
    colours = palettes()[mode]
    high, low = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5
