"""Writers: findings in, bytes or renderables out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukolens.report.page import About, space_needed, write_report
    from leukolens.report.summary import Summary, summarise
    from leukolens.report.table import cases_table, finding_details, findings_table
    from leukolens.report.thumbnails import View
    from leukolens.report.views import views_of

__all__ = [
    "About",
    "Summary",
    "View",
    "cases_table",
    "finding_details",
    "findings_table",
    "space_needed",
    "summarise",
    "views_of",
    "write_report",
]

_HOMES = {
    "About": "page",
    "Summary": "summary",
    "View": "thumbnails",
    "cases_table": "table",
    "finding_details": "table",
    "findings_table": "table",
    "space_needed": "page",
    "summarise": "summary",
    "views_of": "views",
    "write_report": "page",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol (PEP 562)
    # Deferred: one picture on the command line needs a table, not the page with its templates.
    if name in _HOMES:
        return getattr(import_module(f"leukolens.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'leukolens.report' has no attribute {name!r}")
