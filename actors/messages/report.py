"""What is said of messages that should not be there: reports by people, and what administrators make of them."""

from typing import Annotated, Literal

import msgspec

from actors.messages.chat import ChatMessage
from actors.messages.fields import Id, Limit, Page
from actors.runtime.message import Aware, Command, Event, Query

Reason = Literal["spam", "abuse", "illegal", "other"]
ReportStatus = Literal["open", "resolved", "dismissed"]
Remark = Annotated[str, msgspec.Meta(max_length=2_000)]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as administrators see it; ``message`` is a copy, as the message was when it was reported."""

    id: str
    reporter_id: str
    message: ChatMessage
    reason: Reason
    comment: str = ""
    status: ReportStatus = "open"
    note: str = ""
    handled_by: str | None = None
    handled_at: Aware | None = None
    created_at: Aware


class OwnReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the person sees it who made it. Nobody else but administrators knows of it."""

    id: str
    chat_id: str
    message_id: str
    reason: Reason
    comment: str
    status: ReportStatus
    created_at: Aware


class SentReport(msgspec.Struct, frozen=True):
    """The answer to `ReportMessage`: ``made`` is False for a report that was there already."""

    report: OwnReport
    made: bool = True


class ReportMessage(Command[SentReport], frozen=True, kw_only=True):
    """Report somebody else's message in one of the caller's chats. A second time finds the first report."""

    chat_id: Id
    message_id: Id
    reason: Reason
    comment: Remark = ""


class ShowSentReport(Query[SentReport], frozen=True, kw_only=True):
    """The answer to `ReportMessage` once more, for a replay of its idempotency key."""

    report_id: str


class ListReports(Query[Page[Report]], frozen=True, kw_only=True):
    """Reports, newest first."""

    status: ReportStatus | None = None
    limit: Limit = 20
    cursor: str | None = None


class GetReport(Query[Report], frozen=True, kw_only=True):
    """One report."""

    report_id: Id


class ChangeReport(Command[Report], frozen=True, kw_only=True):
    """Say what became of a report: what is named changes."""

    report_id: Id
    status: ReportStatus | msgspec.UnsetType = msgspec.UNSET
    note: Remark | msgspec.UnsetType = msgspec.UNSET


class RemoveReported(Command[Report], frozen=True, kw_only=True):
    """Take the reported message back in the name of the house, and resolve the report."""

    report_id: Id


class FileReport(Command[Report], frozen=True, kw_only=True):
    """The first message of a report's actor. Conflict when the caller has reported this message before."""

    report_id: str
    message: ChatMessage
    reason: Reason
    comment: str


class ReportFiled(Event, frozen=True, kw_only=True, tag="report.filed"):
    """Somebody has reported a message."""

    report: Report


class ReportHandled(Event, frozen=True, kw_only=True, tag="report.handled"):
    """An administrator has said what became of it."""

    status: ReportStatus
    note: str
    handled_by: str | None
