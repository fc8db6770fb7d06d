"""Rendered smears with exact truth, from a seed. Needs NumPy and OpenCV, and nothing else of leukolens.

They are made to test and to demonstrate with. They are no data: nothing measured on them says how a model does on
patients.

    >>> from leukolens.smear.synth import Content, Style, render_field
    >>> field = render_field(7, style=Style.named("violet"), content=Content.named("all"))
    >>> field.pixels.shape
    (768, 1024, 3)
"""

from leukolens.smear.synth.canvas import TrueCell
from leukolens.smear.synth.content import CONTENTS, KINDS, REFERENCE_UM2, Content
from leukolens.smear.synth.demo import squeeze_to_square, write_demo_fields
from leukolens.smear.synth.field import RenderedField, render_field
from leukolens.smear.synth.imaging import Camera, Lens, Stain
from leukolens.smear.synth.style import STYLES, Style, blend

__all__ = [
    "CONTENTS",
    "KINDS",
    "REFERENCE_UM2",
    "STYLES",
    "Camera",
    "Content",
    "Lens",
    "RenderedField",
    "Stain",
    "Style",
    "TrueCell",
    "blend",
    "render_field",
    "squeeze_to_square",
    "write_demo_fields",
]
