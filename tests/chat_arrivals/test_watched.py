"""A chat that everybody watches: whoever stops, or comes in and does not look, is told all the same."""

from datetime import UTC, datetime

import pytest

from actors.chat.talk import Said, Talk, Words
from actors.chat.watched import Watched
from tests.chat_arrivals.house import TalkingHouse
from tests.system.house import Person


async def test_who_comes_into_a_watched_chat_is_told(
    house: TalkingHouse, ada: Person, ben: Person, cyd: Person
) -> None:
    chat_id = await house.group(ada, ben)
    await house.listen(ada, f"chat:{chat_id}")
    await house.listen(ben, f"chat:{chat_id}")
    for _ in range(3):
        await house.say(chat_id, ada)
        await house.settled()
    await house.call("POST", f"/chats/{chat_id}/members", ada, {"user_id": cyd.id}, expect=201)
    last = await house.say(chat_id, ben)
    assert await house.arrived(cyd) == [last["seq"]]
    assert await house.arrived(ben) == []


async def test_who_stops_watching_is_told(house: TalkingHouse, ada: Person, ben: Person) -> None:
    chat_id = await house.group(ada, ben)
    await house.listen(ada, f"chat:{chat_id}")
    ear = await house.listen(ben, f"chat:{chat_id}")
    for _ in range(3):
        await house.say(chat_id, ada)
        await house.settled()
    await ear.ask(unsubscribe={"channel": f"chat:{chat_id}"})
    last = await house.say(chat_id, ada)
    assert await house.arrived(ben) == [last["seq"]]


def talk(*seqs: int) -> Talk:
    """Messages of one chat by their numbers."""
    made = Talk("c")
    made.said = [Said(Words("m", "c", seq, "s", "text", ""), f"c:{seq}", datetime.now(UTC)) for seq in seqs]
    return made


@pytest.mark.parametrize(
    ("seqs", "watching", "is_sure"),
    [
        pytest.param((4, 5), 2, True, id="goes on"),
        pytest.param((4, 5), 3, True, id="more watch"),
        pytest.param((4, 5), 1, False, id="fewer watch"),
        pytest.param((5,), 2, False, id="one was heard by others"),
        pytest.param((4, 6), 2, False, id="the house said something between"),
        pytest.param((3, 4), 2, False, id="heard before"),
    ],
)
def test_only_what_goes_on_without_a_gap_is_sure(seqs: tuple[int, ...], watching: int, *, is_sure: bool) -> None:
    watched = Watched()
    assert not watched.is_sure(talk(1, 2, 3), 2)
    watched.note(talk(1, 2, 3), 2)
    assert watched.is_sure(talk(*seqs), watching) is is_sure
    assert watched.is_sure(talk(seqs[-1] + 1), watching) is is_sure  # what was not sure once must be noted again
