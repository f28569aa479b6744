"""Who may listen to a chat of a running house, look into it and speak in it; and how soon that ends."""

import asyncio
from typing import Any

import pytest
from centrifuge import ReplyError

from tests.chat_live.desk import ChatDesk
from tests.realtime import scenarios
from tests.realtime.node_judge import Judge
from tests.realtime.wire import Wire

MISSING = "chat:00000000-0000-7000-8000-000000000009"
LOST = {"code": 2000, "reason": "no longer a member"}
ENDED = {"code": 2000, "reason": "the channel has ended"}


def types(publications: list[dict[str, Any]]) -> list[str]:
    """What they tell of."""
    return [publication["data"]["type"] for publication in publications]


async def test_a_strangers_chat_and_a_missing_one_are_refused_alike(desk: ChatDesk) -> None:
    ada, bob, eve = await desk.people(3)
    chat = await desk.group(ada, bob)
    wire = await desk.wire(eve)
    for channel in (chat.channel, MISSING):
        for command in (
            {"subscribe": {"channel": channel}},
            {"presence": {"channel": channel}},
            {"presence_stats": {"channel": channel}},
            {"history": {"channel": channel, "limit": 10}},
            {"publish": {"channel": channel, "data": {"content": "hello"}}},
        ):
            answer = await wire.ask(**command)
            assert answer["error"] == {"code": 103, "message": "permission denied"}, command
    assert await chat.everything(ada) == []


async def test_members_see_who_is_there_and_who_comes_and_goes(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    here, there = await desk.wire(ada), await desk.wire(bob)
    await chat.listen(here, join_leave=True)
    await chat.listen(there)
    info = {"user": bob.id, "client": there.hello["connect"]["client"]}
    assert await chat.push(here) == {"channel": chat.channel, "join": {"info": info}}
    present = (await here.ask(presence={"channel": chat.channel}))["presence"]["presence"]
    assert {one["user"] for one in present.values()} == {ada.id, bob.id}
    stats = (await there.ask(presence_stats={"channel": chat.channel}))["presence_stats"]
    assert stats == {"num_clients": 2, "num_users": 2}
    await chat.remove(ada, bob)
    assert await chat.push(here) == {"channel": chat.channel, "leave": {"info": info}}
    assert (await there.ask(presence={"channel": chat.channel}))["error"]["code"] == 103


async def test_publishing_in_a_chat_is_sending_a_message(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    listener = await desk.wire(bob)
    await chat.listen(listener)
    async with scenarios.connected(desk.socket_url, ada.token) as (client, _):
        await client.publish(chat.channel, {"content": "hello @" + bob.name, "client_id": "1"})
        await client.publish(chat.channel, {"content": "again", "client_id": "1"})
        sent = (await client.rpc("chat.send", {"chat_id": chat.id, "content": "by rpc"})).data
        wrong: list[Any] = [{"content": ""}, {"content": "x", "y": 1}, {"content": "x", "chat_id": chat.id}, [], "x"]
        for data in wrong:
            with pytest.raises(ReplyError) as refused:
                await client.publish(chat.channel, data)
            assert refused.value.code == 107
    published = [publication["data"]["message"] for publication in await chat.heard(listener, 2)]
    assert published == await chat.everything(bob)
    assert [message["content"] for message in published] == ["hello @" + bob.name, "by rpc"]
    assert published[0]["mentions"] == [bob.id]
    assert published[1] == sent


async def test_history_shows_the_stream_of_a_chat(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    wire = await desk.wire(bob)
    stood = await chat.listen(wire)
    for number in range(5):
        await chat.send(ada, f"{number}")
    since = {"epoch": stood["epoch"], "offset": stood["offset"]}
    page = (await wire.ask(history={"channel": chat.channel, "limit": 3, "since": since}))["history"]
    assert [publication["data"]["message"]["content"] for publication in page["publications"]] == ["0", "1", "2"]
    assert page["offset"] == stood["offset"] + 5
    newest = (await wire.ask(history={"channel": chat.channel, "limit": 1, "reverse": True}))["history"]
    assert newest["publications"][0]["data"]["message"]["seq"] == 5


async def test_what_is_told_live_has_no_place_in_the_stream(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    listener, speaker = await desk.wire(ada), await desk.wire(bob)
    stood = await chat.listen(listener)
    await chat.send(ada, "hello")
    await speaker.ask(rpc={"method": "chat.typing", "data": {"chat_id": chat.id}})
    await speaker.ask(rpc={"method": "chat.read", "data": {"chat_id": chat.id, "seq": 1}})
    await chat.send(bob, "hello yourself")
    heard = await chat.heard(listener, 4)
    assert types(heard) == ["message.created", "chat.typing", "chat.read", "message.created"]
    offset = stood["offset"]
    assert [publication.get("offset") for publication in heard] == [offset + 1, None, None, offset + 2]
    assert [publication["data"]["user_id"] for publication in heard[1:3]] == [bob.id, bob.id]
    assert heard[2]["data"]["seq"] == 1
    back = await chat.listen(speaker, recover=True, offset=offset, epoch=stood["epoch"])
    assert [publication["offset"] for publication in back["publications"]] == [offset + 1, offset + 2]


async def test_who_is_removed_or_leaves_is_unsubscribed_at_once_and_hears_nothing_more(desk: ChatDesk) -> None:
    ada, bob, cyd = await desk.people(3)
    chat = await desk.group(ada, bob, cyd)
    staying = await desk.wire(ada)
    await chat.listen(staying)
    for who, by in ((bob, ada), (cyd, cyd)):
        going, twin = await desk.wire(who), await desk.wire(who)
        await chat.listen(going)
        await chat.listen(twin)
        await chat.remove(by, who)
        await chat.send(ada, f"without {who.name}")
        for wire in (going, twin):
            assert (await chat.push(wire))["unsubscribe"] == LOST
            assert (await wire.ask(subscribe={"channel": chat.channel}))["error"]["code"] == 103
            assert await chat.is_silent(wire)
        assert types(await chat.heard(staying, 3)) == ["member.left", "message.created", "message.created"]
    back = await desk.wire(bob)
    added = {"user_id": bob.id}
    await desk.call("POST", f"{chat.path}/members", ada.headers, added)
    await chat.listen(back)
    await chat.send(ada, "with bob again")
    assert types(await chat.heard(back, 1)) == ["message.created"]


async def test_the_end_of_a_chat_ends_every_subscription_to_it(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    wires = [await desk.wire(ada), await desk.wire(bob)]
    for wire in wires:
        await chat.listen(wire)
    await desk.call("DELETE", chat.path, ada.headers)
    for wire in wires:
        assert (await chat.push(wire))["unsubscribe"] == ENDED
        assert (await wire.ask(subscribe={"channel": chat.channel}))["error"]["code"] == 103


async def test_what_was_taken_back_is_gone_from_what_is_recovered_and_looked_back_at(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    said = await chat.send(ada, "a secret")
    await chat.send(ada, "no secret")
    await desk.call("PATCH", f"{chat.path}/messages/{said.id}", ada.headers, {"content": "another secret"})
    await desk.call("DELETE", f"{chat.path}/messages/{said.id}", ada.headers)
    wire = await desk.wire(bob)
    history = (await wire.ask(history={"channel": chat.channel, "limit": 100}))["history"]
    position = {"recover": True, "epoch": history["epoch"], "offset": 1}
    recovered = (await wire.ask(subscribe={"channel": chat.channel, **position}))["subscribe"]
    for publications in (history["publications"][1:], recovered["publications"]):
        assert types(publications) == ["message.created", "message.created", "message.edited", "message.recalled"]
        assert [one["data"]["message"]["content"] for one in publications] == ["", "no secret", "", ""]


async def test_whoever_subscribes_while_they_are_removed_is_in_or_out_and_never_between(desk: ChatDesk) -> None:
    ada, *others = await desk.people(9)
    chat = await desk.group(ada, *others)
    await chat.send(ada, "first")
    wires = [await desk.wire(person) for person in others for _ in range(4)]

    async def subscribe(number: int, wire: Wire) -> bool:
        await asyncio.sleep(number % 4 * 0.001)
        return "subscribe" in await wire.ask(subscribe={"channel": chat.channel, "recover": True, "epoch": "x"})

    attempts = asyncio.gather(*(subscribe(number, wire) for number, wire in enumerate(wires)))
    await asyncio.gather(*(chat.remove(ada, person) for person in others))
    was_in = await attempts
    await chat.send(ada, "alone")
    for wire, subscribed in zip(wires, was_in, strict=True):
        assert (await wire.ask(subscribe={"channel": chat.channel}))["error"]["code"] == 103
        pushes = chat.rest(wire)
        assert ("unsubscribe" in pushes[-1]) if subscribed else pushes == []
        assert "alone" not in str(pushes)
    stats = (await (await desk.wire(ada)).ask(presence_stats={"channel": chat.channel}))["presence_stats"]
    assert stats == {"num_clients": 0, "num_users": 0}


async def test_a_python_client_that_is_removed_knows_and_stays_away(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    async with scenarios.connected(desk.socket_url, bob.token) as (client, _):
        subscription = client.new_subscription(chat.channel, min_resubscribe_delay=0.02, max_resubscribe_delay=0.05)
        await subscription.subscribe()
        await scenarios.until(lambda: subscription.state.value == "subscribed")
        await chat.remove(ada, bob)
        await scenarios.until(lambda: subscription.state.value == "unsubscribed")
        await asyncio.sleep(0.3)
        assert subscription.state.value == "unsubscribed"
        assert client.state.value == "connected"


@pytest.mark.node
async def test_a_javascript_client_that_is_removed_knows_and_stays_away(desk: ChatDesk) -> None:
    ada, bob = await desk.people(2)
    chat = await desk.group(ada, bob)
    async with Judge.watching(desk.socket_url, bob.token) as judge:
        await judge.order("connect")
        await judge.order("subscribe", channel=chat.channel)
        await judge.until("subscribed")
        await chat.send(ada, "hello")
        assert (await judge.until("publication"))["data"]["message"]["content"] == "hello"
        await chat.remove(ada, bob)
        assert (await judge.until("unsubscribed"))["code"] == 2000
        await chat.send(ada, "alone")
        await judge.order("rpc", method="chat.send", data={"chat_id": chat.id, "content": "may I?"})
        assert (await judge.until("rpc"))["code"] == 1404
        assert len(judge.all("publication")) == len(judge.all("subscribed")) == 1
