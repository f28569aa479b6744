"""How behaviours become tables of handlers, and which graphs of asks are refused."""

from collections.abc import Iterable

import msgspec
import pytest

from actors.runtime.actor import Actor, Entity, Service, Turn, handles
from actors.runtime.engine.kind import Handlers, check_asks
from actors.runtime.message import SYSTEM, Command
from tests.runtime.conftest import World
from tests.runtime.world import Add, Counter, Get, Note, Place, Store


def asking(**graph: Iterable[str]) -> list[Actor]:
    return [type(kind, (Service,), {"kind": kind, "asks": frozenset(asks)})() for kind, asks in graph.items()]


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        pytest.param({"a": "a"}, "a -> a", id="itself"),
        pytest.param({"a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a", id="three"),
        pytest.param({"a": "x"}, "unknown kind: x", id="unknown"),
    ],
)
def test_kinds_that_could_wait_for_each_other_are_refused(graph: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_asks(asking(**graph))


def test_a_diamond_of_asks_is_no_circle() -> None:
    check_asks(asking(a="bc", b="d", c="d", d=""))


def test_handlers_are_found_by_the_type_in_their_signature_and_by_its_subclasses() -> None:
    handlers = Handlers(Counter(Store()))
    strict = msgspec.defstruct("StrictAdd", [], bases=(Add,), frozen=True, kw_only=True, forbid_unknown_fields=True)
    assert handlers[strict] is handlers[Add]
    assert strict in handlers, "looked up once"
    with pytest.raises(TypeError, match="counter has no handler for Place"):
        handlers[Place]


def test_one_handler_may_serve_several_types() -> None:
    class Both(Service):
        kind = "both"

        @handles
        def both(self, message: Get | Note, turn: Turn) -> None: ...

    handlers = Handlers(Both())
    assert handlers[Get] is handlers[Note]


def test_two_handlers_for_one_type_are_refused() -> None:
    class Twice(Service):
        kind = "twice"

        @handles
        def one(self, message: Note, turn: Turn) -> None: ...

        @handles
        def two(self, message: Note, turn: Turn) -> None: ...

    with pytest.raises(TypeError, match="two handlers for Note"):
        Handlers(Twice())


def test_entities_cannot_handle_messages_together() -> None:
    class Odd(Entity[int]):
        kind = "odd"

        @handles(together=2)
        def many(self, batch: list[tuple[Note, Turn]]) -> None: ...

    with pytest.raises(TypeError, match="only services"):
        Handlers(Odd())


def test_only_plain_handlers_of_entities_join() -> None:
    class Waiting(Entity[int]):
        kind = "waiting"

        @handles(joins=True)
        async def one(self, state: int | None, message: Note, turn: Turn) -> None: ...

    class Stateless(Service):
        kind = "stateless"

        @handles(joins=True)
        def one(self, message: Note, turn: Turn) -> None: ...

    for behaviour in (Waiting(), Stateless()):
        with pytest.raises(TypeError, match="only plain handlers of entities"):
            Handlers(behaviour)


async def test_a_message_that_the_actor_does_not_handle_is_the_senders_fault(world: World) -> None:
    class Unheard(Command[None], frozen=True):
        pass

    with pytest.raises(TypeError, match="no handler for Unheard"):
        world.ref().tell(Unheard(), SYSTEM)
