"""Why the network answered as it did: class maps as evidence, drawn over the picture."""

from leukolens.explain.evidence import class_evidence
from leukolens.explain.overlay import FULL_SCALE, MAP_NOTE, overlay, scale_colours
from leukolens.explain.placing import place_evidence

__all__ = ["FULL_SCALE", "MAP_NOTE", "class_evidence", "overlay", "place_evidence", "scale_colours"]
