"""The service that takes reports, and lists them."""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.cursors import decode_cursor, page_of
from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.chat import ChatMessage
from actors.messages.fields import Id, Page
from actors.messages.report import (
    FileReport,
    GetReport,
    ListReports,
    OwnReport,
    Report,
    ReportMessage,
    SentReport,
    ShowSentReport,
)
from actors.report.report import read_report
from actors.runtime.actor import Ref, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware
from storage.postgres import Record
from storage.report import ReportStore


class Reports(Service):
    """Reads messages as they are committed; once made, a report is owned by an actor of its own."""

    kind = "reports"
    asks = frozenset({"report"})

    def __init__(self, store: ReportStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    @handles
    async def report(self, message: ReportMessage, turn: Turn) -> SentReport:
        """Make a report, or find the caller's first one of this message, even if both are made at the same time.

        Whoever is not in the chat finds no message. One that was taken back can be reported too: its copy is empty,
        and what it said stands in the chat's events for as long as these are kept.
        """
        row = await self._reported(message, turn)
        if row["report_id"] is not None:
            return await self._find(row["report_id"], turn)
        if row["sender_id"] == turn.caller.user_id:
            raise InvalidRequest("that is your own message", "$.message_id")
        report_id = uuid7()
        file = FileReport(report_id=report_id, message=_message(row), reason=message.reason, comment=message.comment)
        try:
            report = await self._ref("report", report_id).ask(file, turn.caller, idempotency=turn.idempotency)
        except Conflict:
            first = (await self._reported(message, turn))["report_id"]
            if first is None:  # it was the idempotency key that is taken
                raise
            return await self._find(first, turn)
        return SentReport(_own(report))

    @handles
    async def show_sent(self, message: ShowSentReport, turn: Turn) -> SentReport:
        """What `report` answered, as it is now."""
        return await self._find(message.report_id, turn)

    @handles
    async def list_reports(self, message: ListReports, turn: Turn) -> Page[Report]:
        """A page of everybody's reports, newest first."""
        del turn
        before = decode_cursor(message.cursor, tuple[Aware, Id])
        rows = await self._store.list_reports(message.status, before, message.limit + 1)
        return page_of(rows, message.limit, read_report, lambda row: (row["created_at"], row["id"]))

    async def _reported(self, message: ReportMessage, turn: Turn) -> Record:
        row = await self._store.get_reported(message.chat_id, message.message_id, turn.caller.user_id or "")
        if row is None:
            raise NotFound("no such message")
        return row

    async def _find(self, report_id: str, turn: Turn) -> SentReport:
        report = await self._ref("report", report_id).ask(GetReport(report_id=report_id), turn.caller)
        return SentReport(_own(report), made=False)


def _message(row: Record) -> ChatMessage:
    fields: dict[str, Any] = {name: row[name] for name in ChatMessage.__struct_fields__}
    return ChatMessage(**{**fields, "mentions": msgspec.json.decode(row["mentions"])})


def _own(report: Report) -> OwnReport:
    return OwnReport(
        id=report.id, chat_id=report.message.chat_id, message_id=report.message.id, reason=report.reason,
        comment=report.comment, status=report.status, created_at=report.created_at,
    )  # fmt: skip
