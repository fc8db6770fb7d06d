"""Writers: findings in, bytes or renderables out."""

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
