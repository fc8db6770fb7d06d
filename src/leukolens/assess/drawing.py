"""One picture of an evaluation or a comparison, as PNG and SVG, in one style."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart with every kind of colour vision; no yellow, which vanishes on white.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A7A7A")
INK: Final = "#1e1b24"
DOTS_PER_INCH: Final = 160


@dataclass(frozen=True)
class Drawing:
    """One picture, named without its ending, with what it shows in a sentence."""

    name: str
    title: str
    description: str
    png: bytes
    svg: bytes


def draw(
    name: str,
    title: str,
    description: str,
    paint: Callable[[Axes], None],
    source: str,
    size: tuple[float, float] = (5.6, 5.2),
) -> Drawing:
    """Draw one picture of `size` inches; `paint` fills the axes, `source` stands in a line under it, see `Drawing`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9.5,
        "axes.edgecolor": "#8a8494",
        "axes.labelcolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 11.5,
        "axes.titleweight": "bold",
        "text.color": INK,
        "xtick.color": "#5a5565",
        "ytick.color": "#5a5565",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": name,
        "svg.fonttype": "path",
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(rect=(0, 0.025, 1, 0.975)))
        axes = figure.subplots()
        paint(axes)
        axes.set_title(title)
        figure.text(0.008, 0.004, source, fontsize=6, color="#5a5565", va="bottom")
        return Drawing(name, title, description, _saved(figure, "png"), _saved(figure, "svg"))


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    # No date in it: the same figures give the same bytes.
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata=metadata, facecolor="white")
    return stream.getvalue()
