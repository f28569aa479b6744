"""What survives the way to another house."""

import gc
from datetime import UTC, datetime

import msgpack
import msgspec
import pytest

from actors.runtime.actor import Idempotency
from actors.runtime.errors import DomainError, Internal, Overloaded, Unavailable
from actors.runtime.message import Caller, reply_type
from actors.runtime.packing import Frame, Packing
from actors.runtime.transport import PackedMemoryTransport
from tests.runtime.conftest import World
from tests.runtime.world import Add, Get, Hold, Refused, Who

PACKING = Packing([Add, Get, Who])


def test_a_frame_comes_back_as_it_went() -> None:
    frame = Frame(
        id="i",
        kind="counter",
        key="k",
        type="world.Add",
        body=PACKING.pack_message(Add(by=2)),
        caller=Caller(user_id="u", scopes=frozenset({"read"})),
        remaining_seconds=1.5,
        idempotency=Idempotency("r", "k", b"\x00\xff"),
    )
    back = PACKING.unpack(PACKING.pack(frame))
    assert back == frame
    assert PACKING.unpack_message(back.type, back.body) == Add(by=2)


def test_a_frame_of_an_older_house_is_understood() -> None:
    old = msgspec.msgpack.encode(["i", "counter", "k", "world.Get", b"\x80", Caller()])
    assert PACKING.unpack(old).attempt == 0


def test_a_newer_house_may_have_added_fields_to_a_message() -> None:
    assert PACKING.unpack_message("world.Add", msgspec.msgpack.encode({"by": 3, "unheard_of": 1})) == Add(by=3)


def test_a_strict_subclass_travels_under_the_name_of_its_message() -> None:
    strict = msgspec.defstruct("StrictAdd", [], bases=(Add,), frozen=True, kw_only=True, forbid_unknown_fields=True)
    assert PACKING.wire_name(strict(by=1)) == "world.Add"


def test_the_reply_type_is_read_from_the_base_of_the_message() -> None:
    assert reply_type(Who) == tuple[str | None, str]
    assert PACKING.unpack_answer(Who, PACKING.pack_reply(("u", "t"))) == ("u", "t")


@pytest.mark.parametrize(
    "error", [Refused("no", left=3), Unavailable("down", retry_after=9.0), Overloaded(), Internal("x")]
)
def test_errors_come_back_as_their_own_class_with_all_they_carry(error: DomainError) -> None:
    with pytest.raises(type(error)) as raised:
        PACKING.unpack_answer(Get, PACKING.pack_error(error))
    assert type(raised.value) is type(error)
    assert vars(raised.value) == vars(error)
    assert str(raised.value) == str(error)


def test_what_is_no_answer_travels_as_an_opaque_internal_error() -> None:
    with pytest.raises(Internal) as raised:
        PACKING.unpack_answer(Get, PACKING.pack_error(ValueError("secret")))
    assert "secret" not in repr(raised.value)


def test_two_types_of_one_name_are_refused() -> None:
    twin = type("Add", (Add,), {"__module__": "elsewhere.world"})
    with pytest.raises(ValueError, match=r"world\.Add"):
        Packing([Add, twin])
    del twin
    gc.collect()


@pytest.mark.parametrize("transport", [PackedMemoryTransport(limit_bytes=1000)])
async def test_packed_messages_under_way_are_bounded_by_bytes(world: World, transport: PackedMemoryTransport) -> None:
    held = world.ref().ask(Hold(text="x" * 600), Caller())
    await world.settle()
    assert 600 < transport.under_way_bytes < 1000
    with pytest.raises(Overloaded, match="bytes"):
        world.ref("b").tell(Hold(text="y" * 600), Caller())
    world.counter.gate.set()
    await held
    assert transport.under_way_bytes == 0


def test_an_independent_reader_of_messagepack_understands_a_frame() -> None:
    moment = datetime(2026, 11, 21, 3, 25, 0, 123456, tzinfo=UTC)
    body = PACKING.pack_message(Add(by=2))
    frame = Frame(id="i", kind="counter", key="k", type="world.Add", body=body, caller=Caller(user_id="u"))
    read = msgpack.unpackb(PACKING.pack(frame))
    assert read[:4] == ["i", "counter", "k", "world.Add"]
    assert msgpack.unpackb(read[4]) == {"by": 2}
    assert msgpack.unpackb(msgspec.msgpack.encode(moment), timestamp=3) == moment
    assert msgspec.msgpack.decode(msgpack.packb({"at": moment}, datetime=True), type=dict[str, datetime]) == {
        "at": moment
    }
