"""From inputs to findings and cases."""

from leukolens.screen.result import FieldOutputs, ScreenResult
from leukolens.screen.screener import Screener, load

__all__ = ["FieldOutputs", "ScreenResult", "Screener", "load"]
