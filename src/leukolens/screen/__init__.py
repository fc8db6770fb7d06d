"""From inputs to findings and cases."""

from leukolens.screen.screener import FieldOutputs, Screener, ScreenResult, load

__all__ = ["FieldOutputs", "ScreenResult", "Screener", "load"]
