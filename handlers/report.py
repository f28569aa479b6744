"""Reports of messages on the wire."""

from actors.messages.report import (
    ChangeReport,
    GetReport,
    ListReports,
    OwnReport,
    RemoveReported,
    ReportMessage,
    SentReport,
    ShowSentReport,
)
from actors.runtime.message import Caller
from handlers.operation import Access, Operation

_TAG = "report"


def report_of(message: GetReport | ChangeReport | RemoveReported, caller: Caller) -> str:
    """The report's own actor."""
    del caller
    return message.report_id


def show_sent(reply: SentReport) -> tuple[int, OwnReport]:
    """201 for a new report; 200 for one that was found."""
    return (201 if reply.made else 200), reply.report


OPERATIONS = [
    Operation(
        method="POST", path="/chats/{chat_id}/messages/{message_id}/report", message=ReportMessage, to="reports",
        tag=_TAG, status=201, reply=OwnReport, present=show_sent, rate="write", rpc="report.create",
        creates=lambda report_id: ShowSentReport(report_id=report_id), errors=("not_found",),
        summary="Report somebody's message to the administrators, or find my first report of it (200)",
        example={"reason": "abuse", "comment": "The third one today."},
    ),
    Operation(
        method="GET", path="/reports", message=ListReports, to="reports", access=Access.ADMIN, tag=_TAG,
        summary="Reports, newest first",
    ),
    Operation(
        method="GET", path="/reports/{report_id}", message=GetReport, to="report", key=report_of, access=Access.ADMIN,
        tag=_TAG, summary="One report, with a copy of the message as it was", errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/reports/{report_id}", message=ChangeReport, to="report", key=report_of,
        access=Access.ADMIN, tag=_TAG, rate="write", summary="Say what became of a report", errors=("not_found",),
        example={"status": "dismissed", "note": "A quarrel, and both know it."},
    ),
    Operation(
        method="POST", path="/reports/{report_id}/remove-message", message=RemoveReported, to="report", key=report_of,
        access=Access.ADMIN, tag=_TAG, rate="write", errors=("not_found", "conflict"),
        summary="Take the reported message back, and resolve the report",
    ),
]  # fmt: skip
