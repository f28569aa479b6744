"""Who is no member of a chat any more hears nothing of it, at whatever moment they were removed."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from actors.messages.chat import ChatDeleted, ChatTyping, MemberLeft
from actors.runtime.clock import SystemClock
from actors.runtime.message import Caller, Event
from actors.runtime.ports import Stored
from app.chat_channels import ChatChannels
from app.publishing import Publishing
from handlers.ports import Position, Publication
from tests.realtime.conftest import RealtimeHouse, StartHouse
from tests.realtime.world import ALICE, BOB, CHAT, EventList, Members

ROOM = f"chat:{CHAT}"
RECOVER = {"channel": ROOM, "recover": True, "offset": 0, "epoch": "life-1"}


class Room:
    """A chat in a house of the test's own: commits events and publishes them as the house does."""

    def __init__(self, house: RealtimeHouse) -> None:
        self.house = house
        self._clock = SystemClock()
        self._publishing = Publishing()
        self._publishing.add(ChatChannels(house.realtime.hub).publish)
        self._publishing.add(house.realtime.publish)

    def commit(self, event: Event, *, is_told: bool = True) -> None:
        """Store an event of the chat, then publish it: or not, as where the outcome is unknown for long."""
        body = msgspec.json.encode(event)
        stored = self.house.events.append(ROOM, body)
        if is_told:
            self._publish(event, stored.offset, body)

    def tell(self, event: Event) -> None:
        """Publish what has no place in the stream."""
        self._publish(event, 0, msgspec.json.encode(event))

    def remove(self, user_id: str, *, is_told: bool = True) -> None:
        """Somebody leaves."""
        self.house.members.allowed.discard((user_id, ROOM))
        left = MemberLeft(at=self._clock.now(), chat_id=CHAT, user_id=user_id, members_count=1)
        self.commit(left, is_told=is_told)

    def type(self, user_id: str) -> None:
        """Somebody is writing."""
        self.tell(ChatTyping(at=self._clock.now(), user_id=user_id))

    def delete(self) -> None:
        """The chat ends."""
        self.house.members.allowed.clear()
        self.commit(ChatDeleted(at=self._clock.now(), chat_id=CHAT))

    def _publish(self, event: Event, n: int, body: bytes) -> None:
        kind = str(type(event).__struct_config__.tag)
        self._publishing.publish([Stored(ROOM, n, kind, body, event.at)])


class Moment:
    """Something that happens once, when a place in the house is passed for the ``count``-th time."""

    def __init__(self) -> None:
        self.happens: Callable[[], object] = bool
        self.left = 0

    def pass_by(self) -> None:
        self.left -= 1
        if not self.left:
            self.happens()


class PlantedEvents(EventList):
    """Streams in which something happens right after they were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.after_position = Moment()
        self.after_read = Moment()

    async def position(self, channel: str) -> Position:
        found = await super().position(channel)
        self.after_position.pass_by()
        return found

    async def read(self, channel: str, after: int, limit: int, *, reverse: bool = False) -> Sequence[Publication]:
        found = await super().read(channel, after, limit, reverse=reverse)
        self.after_read.pass_by()
        return found


class PlantedMembers(Members):
    """Permits with which something happens after the answer is made, and before anybody has it."""

    def __init__(self) -> None:
        super().__init__()
        self.after_answer = Moment()

    async def may_subscribe(self, caller: Caller, channel: str) -> bool:
        answer = await super().may_subscribe(caller, channel)
        self.after_answer.pass_by()
        return answer


async def planted(start_house: StartHouse) -> tuple[Room, dict[str, Moment]]:
    """A room, and the moments of a subscribe at which the test may let something happen."""
    events, members = PlantedEvents(), PlantedMembers()
    house = await start_house(events=events, members=members)
    moments = {"allowed": members.after_answer, "head": events.after_position, "missed": events.after_read}
    return Room(house), moments


@pytest.fixture
def room(house: RealtimeHouse) -> Room:
    return Room(house)


async def test_who_is_removed_is_told_at_once_and_hears_nothing_of_it_any_more(room: Room) -> None:
    alice, bob, twin = await room.house.wire(), await room.house.wire(BOB), await room.house.wire(BOB)
    for wire in (alice, bob, twin):
        await wire.ask(subscribe={"channel": ROOM})
    room.house.publish(ROOM, number=1)
    room.remove(BOB)
    room.type(ALICE)
    room.house.publish(ROOM, number=2)
    for wire in (bob, twin):
        assert await wire.offsets(1) == [1]
        end = {"code": 2000, "reason": "no longer a member"}
        assert await wire.push() == {"channel": ROOM, "unsubscribe": end}
        for command in ({"subscribe": {"channel": ROOM}}, {"presence": {"channel": ROOM}}):
            assert (await wire.ask(**command))["error"]["code"] == 103
        assert not wire.pushes
    heard = [(await alice.push())["pub"] for _ in range(4)]
    assert [publication["data"]["type"] for publication in heard] == [
        "task.progressed", "member.left", "chat.typing", "task.progressed",
    ]  # fmt: skip
    assert [publication.get("offset") for publication in heard] == [1, 2, None, 3]


@pytest.mark.parametrize("moment", ["allowed", "head", "missed"])
async def test_a_removal_in_the_middle_of_a_subscribe_leaves_nobody_attached(
    start_house: StartHouse, moment: str
) -> None:
    room, moments = await planted(start_house)
    room.house.publish(ROOM, number=1)
    bob = await room.house.wire(BOB)
    moments[moment].left, moments[moment].happens = 1, lambda: room.remove(BOB)
    assert (await bob.ask(subscribe=RECOVER))["error"]["code"] == 103
    assert moments[moment].left == 0
    assert room.house.realtime.statistics().subscriptions == 1  # to the person's own channel
    room.house.publish(ROOM, number=2)
    room.type(ALICE)
    assert "ping" in await bob.ask(ping={})
    assert not bob.pushes


@pytest.mark.parametrize("moment", ["allowed", "head", "missed"])
async def test_who_comes_back_in_the_middle_of_a_subscribe_may_subscribe_again(
    start_house: StartHouse, moment: str
) -> None:
    room, moments = await planted(start_house)
    room.house.publish(ROOM, number=1)
    bob = await room.house.wire(BOB)

    def leave_and_return() -> None:
        room.remove(BOB)
        room.house.members.allowed.add((BOB, ROOM))

    moments[moment].left, moments[moment].happens = 1, leave_and_return
    assert (await bob.ask(subscribe=RECOVER))["error"]["code"] == 103
    again = (await bob.ask(subscribe=RECOVER))["subscribe"]
    assert [publication["offset"] for publication in again["publications"]] == [1, 2]
    room.house.publish(ROOM, number=2)
    assert await bob.offsets(1) == [3]


@pytest.mark.parametrize("moment", ["allowed", "head", "missed"])
async def test_a_page_of_history_that_is_younger_than_a_removal_is_not_shown(
    start_house: StartHouse, moment: str
) -> None:
    room, moments = await planted(start_house)
    room.house.publish(ROOM, number=1)
    bob = await room.house.wire(BOB)
    moments[moment].left, moments[moment].happens = 1, lambda: room.remove(BOB)
    assert (await bob.ask(history={"channel": ROOM, "limit": 10}))["error"]["code"] == 103


async def test_a_removal_that_nobody_published_counts_before_the_next_event(room: Room) -> None:
    alice, bob = await room.house.wire(), await room.house.wire(BOB)
    for wire in (alice, bob):
        await wire.ask(subscribe={"channel": ROOM})
    room.remove(BOB, is_told=False)
    room.house.publish(ROOM, number=1)
    assert await alice.offsets(2) == [1, 2]
    assert (await bob.push())["unsubscribe"]["code"] == 2000
    assert "ping" in await bob.ask(ping={})
    assert not bob.pushes


async def test_the_end_of_a_chat_ends_every_subscription_to_it(room: Room) -> None:
    wires = [await room.house.wire(user_id) for user_id in (ALICE, BOB, BOB)]
    for wire in wires:
        await wire.ask(subscribe={"channel": ROOM})
    room.delete()
    for wire in wires:
        end = {"code": 2000, "reason": "the channel has ended"}
        assert await wire.push() == {"channel": ROOM, "unsubscribe": end}
        assert (await wire.ask(subscribe={"channel": ROOM}))["error"]["code"] == 103
    assert room.house.realtime.statistics().subscriptions == 3


async def test_what_has_no_place_in_the_stream_moves_nobodys_position(room: Room) -> None:
    alice = await room.house.wire()
    await alice.ask(subscribe={"channel": ROOM})
    room.house.publish(ROOM, number=1)
    room.type(BOB)
    lost = room.house.commit(ROOM, number=2)
    room.type(BOB)
    room.house.publish(ROOM, number=3)
    room.type(BOB)
    heard: list[Any] = [(await alice.push())["pub"].get("offset") for _ in range(6)]
    assert [offset for offset in heard if offset is not None] == [1, lost[0], 3]
    assert heard.count(None) == 3
    recovered = (await (await room.house.wire(BOB)).ask(subscribe=RECOVER))["subscribe"]
    assert [publication["offset"] for publication in recovered["publications"]] == [1, 2, 3]
    assert room.house.events.reads == 2  # the gap, and the recovery
