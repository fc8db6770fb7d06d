"""leukolens: acute lymphoblastic leukaemia in pictures of stained smears. For research use only, not a diagnosis.

Three lines from Python::

    import leukolens
    screener = leukolens.load()
    finding = screener.screen("smear.jpg")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukolens.screen import Screener, load

__version__ = "0.1.0"
__all__ = ["Screener", "__version__", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol (PEP 562)
    # Deferred, so that `import leukolens` and `leukolens --help` cost nothing.
    if name in {"Screener", "load"}:
        import leukolens.screen

        return getattr(leukolens.screen, name)
    raise AttributeError(f"module 'leukolens' has no attribute {name!r}")
