"""Reports of messages that should not be there, and what administrators make of them."""

from actors.report.report import ReportOwner
from actors.report.reports import Reports

__all__ = ["ReportOwner", "Reports"]
