"""A small noun of the tests' own, on the real runtime: notes that live in memory."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from actors.errors import Conflict, InvalidRequest, NotFound
from actors.messages.fields import Id, Limit, Page
from actors.runtime.actor import Decision, Idempotency, Service, Turn, handles
from actors.runtime.ids import uuid7
from actors.runtime.message import Aware, Caller, Command, Query
from actors.runtime.ports import DeadLetter, Stored
from handlers.operation import Access, Operation


class Note(msgspec.Struct, frozen=True):
    id: str
    text: str
    params: dict[str, Any]
    created_at: Aware


class Person(msgspec.Struct, frozen=True):
    user_id: str
    address: str


class MakeNote(Command[Note], frozen=True, kw_only=True):
    text: Annotated[str, msgspec.Meta(max_length=1_000)]
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 5


class GetNote(Query[Note], frozen=True, kw_only=True):
    note_id: Id


class ListNotes(Query[Page[Note]], frozen=True, kw_only=True):
    limit: Limit = 20
    cursor: str | None = None
    tag: tuple[str, ...] = ()
    loud: bool = False
    since: Aware | None = None


class ChangeNote(Command[Note], frozen=True, kw_only=True):
    note_id: Id
    text: str | msgspec.UnsetType = msgspec.UNSET


class EndNote(Command[None], frozen=True, kw_only=True):
    note_id: Id


class CountNotes(Query[int], frozen=True, kw_only=True):
    pass


class GetPerson(Query[Person], frozen=True, kw_only=True):
    user_id: Id


class Crash(Command[None], frozen=True, kw_only=True):
    pass


class Work(Command[None], frozen=True, kw_only=True):
    pass


class Stamp(Command[Note], frozen=True, kw_only=True):
    note_id: Id
    text: str
    agent: str = ""


class Wait(Command[None], frozen=True, kw_only=True):
    pass


class Notes(Service):
    kind: ClassVar[str] = "notes"

    def __init__(self) -> None:
        self.notes: dict[str, Note] = {}
        self.gate = asyncio.Event()
        self.made = 0
        self.started = asyncio.Event()
        self.traces: list[str] = []  # of the lists that were asked for

    @handles
    async def make(self, message: MakeNote, turn: Turn) -> Decision[Note]:
        if message.text == "wait":
            self.started.set()
            await self.gate.wait()
        if message.text == "taken":
            raise Conflict("taken", **{"from": "a", "to": "b"})
        note = Note(uuid7(), message.text, message.params, turn.now)
        self.made += 1
        self.notes[note.id] = note
        return Decision(reply=note, made=note.id)

    @handles
    def get(self, message: GetNote, _turn: Turn) -> Note:
        return self._find(message.note_id)

    @handles
    def list_(self, message: ListNotes, turn: Turn) -> Page[Note]:
        self.traces.append(turn.traceparent)
        if message.cursor is not None:
            raise InvalidRequest("not a cursor of this list", "$.cursor")
        wanted = [note for note in self.notes.values() if not message.tag or note.text in message.tag]
        return Page(wanted[: message.limit])

    @handles
    def count(self, _message: CountNotes, _turn: Turn) -> int:
        return len(self.notes)

    @handles
    def change(self, message: ChangeNote, _turn: Turn) -> Note:
        note = self._find(message.note_id)
        if message.text is not msgspec.UNSET:
            note = self.notes[note.id] = msgspec.structs.replace(note, text=message.text)
        return note

    @handles
    def end(self, message: EndNote, _turn: Turn) -> None:
        del self.notes[self._find(message.note_id).id]

    @handles
    def person(self, message: GetPerson, turn: Turn) -> Person:
        return Person(message.user_id, turn.caller.address)

    @handles
    def crash(self, _message: Crash, _turn: Turn) -> None:
        raise RuntimeError("the secret of the house")

    @handles
    def work(self, _message: Work, _turn: Turn) -> None:
        return None

    @handles
    def stamp(self, message: Stamp, turn: Turn) -> Note:
        return Note(message.note_id, f"{message.text} by {message.agent}", {}, turn.now)

    @handles
    async def wait(self, _message: Wait, _turn: Turn) -> None:
        await self.gate.wait()

    def _find(self, note_id: str) -> Note:
        if note_id not in self.notes:
            raise NotFound("no such note")
        return self.notes[note_id]


class Memory:
    """Journal, publisher, dead letters and idempotency records in memory: what the runtime asks of the world."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str, str], tuple[bytes, str]] = {}
        self.hides = 0  # how many look-ups find nothing, as if another house had not committed yet

    def record(self, caller: Caller, promise: Idempotency, made: str) -> tuple[str, Idempotency, str]:
        return caller.user_id or "anonymous", promise, made

    async def commit(
        self, *, lane: str, cause: str, caller: str | None, events: Sequence[Stored], writes: Sequence[Any]
    ) -> list[list[Any]]:
        del lane, cause, caller, events
        for owner, promise, made in writes:
            if self.records.setdefault((owner, promise.route, promise.key), (promise.body_hmac, made))[1] != made:
                raise Conflict("the key exists")
        return [[] for _ in writes]

    async def commit_together(self, *, statement: Any, args: Sequence[Any], follow: Any, told: Any) -> list[Any]:
        raise AssertionError(f"notes are made one by one: {statement} {args} {follow} {told}")

    def publish(self, events: Sequence[Stored]) -> None:
        raise AssertionError(f"notes have no events: {events}")

    async def store(self, letter: DeadLetter) -> None:
        raise AssertionError(f"a message was lost: {letter}")

    async def find(self, caller: str, route: str, key: str) -> tuple[bytes, str] | None:
        if self.hides:
            self.hides -= 1
            return None
        return self.records.get((caller, route, key))


def show(note_id: str) -> GetNote:
    return GetNote(note_id=note_id)


OPERATIONS = [
    Operation(
        method="POST",
        path="/notes",
        message=MakeNote,
        to="notes",
        summary="Make a note",
        status=201,
        creates=show,
        rpc="note.make",
        rate="write",
        body_limit_bytes=10_000,
        tag="notes",
        errors=("conflict",),
        example={"text": "hello", "params": {"width": 3}},
    ),
    Operation(method="GET", path="/notes", message=ListNotes, to="notes", summary="List notes", tag="notes"),
    Operation(method="GET", path="/notes/count", message=CountNotes, to="notes", summary="Count notes", tag="notes"),
    Operation(
        method="GET", path="/notes/{note_id}", message=GetNote, to="notes", summary="Show", rpc="note.get", tag="notes"
    ),
    Operation(
        method="PATCH",
        path="/notes/{note_id}",
        message=ChangeNote,
        to="notes",
        summary="Change",
        rpc="note.change",
        rate="write",
        tag="notes",
    ),
    Operation(
        method="DELETE",
        path="/notes/{note_id}",
        message=EndNote,
        to="notes",
        summary="End",
        status=204,
        rpc="note.end",
        rate="write",
        tag="notes",
    ),
    Operation(
        method="POST",
        path="/notes/{note_id}/stamp",
        message=Stamp,
        to="notes",
        summary="Stamp",
        fills={"agent": lambda request: request.headers.get("X-Agent", "")},
        tag="notes",
    ),
    Operation(method="GET", path="/people/{user_id}", message=GetPerson, to="notes", summary="Person", tag="people"),
    Operation(method="POST", path="/crash", message=Crash, to="notes", summary="Crash", access=Access.ADMIN, tag="x"),
    Operation(
        method="POST",
        path="/wait",
        message=Wait,
        to="notes",
        summary="Wait",
        access=Access.PUBLIC,
        rate="auth",
        timeout_seconds=0.2,
        status=204,
        tag="x",
    ),
    Operation(
        method="POST", path="/work", message=Work, to="notes", summary="Work", access=Access.WORKER, rate="worker"
    ),
]
