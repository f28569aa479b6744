"""One report. Owned: this actor alone writes its row. Its stream is ``report:<id>``, which no channel shows."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from actors.errors import Conflict, NotFound
from actors.messages.chat import ChatMessage, RecallMessage
from actors.messages.report import (
    ChangeReport,
    FileReport,
    GetReport,
    RemoveReported,
    Report,
    ReportFiled,
    ReportHandled,
)
from actors.runtime.actor import Decision, Entity, Ref, Snapshot, Turn, handles
from actors.runtime.message import Event
from storage import queries
from storage.postgres import Record
from storage.report import ReportStore
from storage.write import Write

Q = queries.load("report")


def read_report(row: Record) -> Report:
    """Make a report from its row."""
    message = msgspec.json.decode(row["message"], type=ChatMessage)
    fields = {name: row[name] for name in Report.__struct_fields__ if name != "message"}
    return Report(message=message, **fields)


class ReportOwner(Entity[Report]):
    """See the module. Every event but the first has the administrator as its caller, whom the edge has let in."""

    kind = "report"
    asks = frozenset({"chat"})

    def __init__(self, store: ReportStore, ref: Callable[[str, str], Ref]) -> None:
        self._store = store
        self._ref = ref

    async def load(self, key: str) -> Snapshot[Report] | None:
        """Read the row."""
        row = await self._store.get_report(key)
        return None if row is None else Snapshot(read_report(row), row["n"])

    def apply(self, state: Report | None, event: Event) -> Report:
        """Filed once, then handled, as often as administrators change their minds."""
        match event:
            case ReportFiled():
                return event.report
            case ReportHandled() if state is not None:
                return msgspec.structs.replace(
                    state, status=event.status, note=event.note, handled_by=event.handled_by, handled_at=event.at
                )
        raise TypeError(type(event).__name__)

    def save(self, key: str, state: Report | None, n: int) -> Sequence[Write]:
        """The report's row."""
        if state is None:
            return []
        row = (
            key, n, state.reporter_id, state.message.id, msgspec.json.encode(state.message).decode(), state.reason,
            state.comment, state.status, state.note, state.handled_by, state.handled_at, state.created_at,
        )  # fmt: skip
        return [Write(Q.save_report, row, constraints={"report_once_key": Conflict("you have reported this before")})]

    @handles
    def file(self, state: Report | None, message: FileReport, turn: Turn) -> Report | Decision[Report]:
        """Keep a copy of the message, so that neither an edit nor a recall can hide what it was."""
        if state is not None:
            return state
        report = Report(
            id=message.report_id, reporter_id=turn.caller.user_id or "", message=message.message,
            reason=message.reason, comment=message.comment, created_at=turn.now,
        )  # fmt: skip
        return Decision(reply=report, events=[ReportFiled(at=turn.now, report=report)], made=report.id)

    @handles
    def show(self, state: Report | None, message: GetReport, turn: Turn) -> Report:
        """The report."""
        del message, turn
        return _there(state)

    @handles
    def change(self, state: Report | None, message: ChangeReport, turn: Turn) -> Report | Decision[Report]:
        """Change what is named; what it is already costs no event."""
        report = _there(state)
        status = report.status if message.status is msgspec.UNSET else message.status
        note = report.note if message.note is msgspec.UNSET else message.note
        return self._handled(
            report, ReportHandled(at=turn.now, status=status, note=note, handled_by=turn.caller.user_id)
        )

    @handles
    async def remove(self, state: Report | None, message: RemoveReported, turn: Turn) -> Report | Decision[Report]:
        """Let the room take the message back, then resolve the report.

        These are two transactions, each by the row's owner. Should the second one fail, the same request again makes
        it whole: a message that is gone already, with or without its chat, is no obstacle.
        """
        del message
        report = _there(state)
        recall = RecallMessage(chat_id=report.message.chat_id, message_id=report.message.id)
        with suppress(NotFound):
            await self._ref("chat", recall.chat_id).ask(recall, turn.caller)
        return self._handled(
            report, ReportHandled(at=turn.now, status="resolved", note=report.note, handled_by=turn.caller.user_id)
        )

    def _handled(self, report: Report, event: ReportHandled) -> Report | Decision[Report]:
        if (event.status, event.note) == (report.status, report.note):
            return report
        return Decision(reply=self.apply(report, event), events=[event])


def _there(state: Report | None) -> Report:
    if state is None:
        raise NotFound("no such report")
    return state
