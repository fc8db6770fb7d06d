"""Writers: findings in, bytes or renderables out."""

from leukolens.report.page import About, write_report
from leukolens.report.summary import Summary, summarise
from leukolens.report.table import cases_table, findings_table
from leukolens.report.thumbnails import View

__all__ = ["About", "Summary", "View", "cases_table", "findings_table", "summarise", "write_report"]
