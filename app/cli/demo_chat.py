"""The demo's story of chats: two who talk, a group, and somebody who was not there."""

from app.cli.demo_stage import House, Person, Screen, check, say


async def the_chat(house: House, url: str, ada: Person, ben: Person) -> None:
    """Everything that people do in chats, once."""
    cleo, dora = await house.register("cleo"), await house.register("dora")
    async with ada.connected(url) as hers, ben.connected(url) as his:
        direct = await two_people(house, ada, ben, hers, his)
        group = await house.call(
            "POST", "/chats", ada.token,
            {"kind": "group", "name": "Engine builders", "members": [ben.username, cleo.username]}, 201,
        )  # fmt: skip
        await his.wait_for("chat.invited", lambda seen: seen["chat"]["id"] == group["id"])
        say(f"{ada.name} has made a group, and {ben.name} has heard of it; {cleo.name} is not here")
        message = await the_absent(house, group["id"], ada, cleo, his)
        await second_thoughts(house, message, ada, his)
    await the_finder(house, group["id"], ben, dora)
    await the_blocked(house, direct, ada, ben)


async def two_people(house: House, ada: Person, ben: Person, hers: Screen, his: Screen) -> str:
    """A direct chat, live on two screens. Returns its id."""
    chat = await house.call("POST", "/chats", ada.token, {"kind": "direct", "member": ben.username}, 201)
    same = await house.call("POST", "/chats", ben.token, {"kind": "direct", "member": ada.username}, 200)
    check(same["id"] == chat["id"], "two people have two direct chats")
    await hers.watch(f"chat:{chat['id']}")
    await his.watch(f"chat:{chat['id']}")
    await hers.do("chat.typing", chat_id=chat["id"])
    await his.wait_for("chat.typing", lambda seen: seen["user_id"] == ada.id)
    sent = await hers.do("chat.send", chat_id=chat["id"], content="Is the mill done?")
    seen = (await his.wait_for("message.created"))["message"]
    check(seen["id"] == sent["id"] and seen["seq"] == 1, f"{ben.name} sees another message: {seen}")
    say(f"{ada.name} writes to {ben.name}, who has seen her typing: {seen['content']}")
    await house.call("PUT", f"/chats/{chat['id']}/read", ben.token, {"seq": 1}, 204)
    await hers.wait_for("chat.read", lambda seen: seen["user_id"] == ben.id and seen["seq"] == 1)
    say(f"{ben.name} has read it, and {ada.name} sees that at once")
    return str(chat["id"])


async def the_absent(house: House, chat_id: str, ada: Person, cleo: Person, his: Screen) -> str:
    """Somebody who is named while away; and a message that was sent twice. Returns the message's path."""
    await his.watch(f"chat:{chat_id}")
    path = f"/chats/{chat_id}/messages"
    body = {"content": f"@{cleo.username}, the analytical engine is done", "client_id": "phone-1"}
    sent = await house.call("POST", path, ada.token, body, 201)
    again = await house.call("POST", path, ada.token, body, 200)
    check(again["id"] == sent["id"] and sent["mentions"] == [cleo.id], f"the resend has made another message: {again}")
    say("a message that was sent twice is there once")
    entry = await the_entry(house, cleo, sent["id"])
    chat = await house.call("GET", f"/chats/{chat_id}", cleo.token)
    check(chat["unread_count"] == 1, f"{cleo.name} has {chat['unread_count']} unread messages, not one")
    say(f"{cleo.name} comes back to 1 unread message, and an entry in her inbox: {entry}")
    return f"{path}/{sent['id']}"


async def the_entry(house: House, person: Person, message_id: str) -> str:
    """What an inbox says of a message, as soon as it does."""
    return await house.soon(
        "GET", "/notifications?unread=true", person.token,
        lambda inbox: next((x["title"] for x in inbox["items"] if x["data"].get("message_id") == message_id), None),
    )  # fmt: skip


async def second_thoughts(house: House, path: str, ada: Person, his: Screen) -> None:
    """An edit and a recall, live."""
    await house.call("PATCH", path, ada.token, {"content": "the analytical engine is nearly done"})
    edited = (await his.wait_for("message.edited"))["message"]
    check(edited["edited_at"] is not None and "nearly" in edited["content"], f"not as edited: {edited}")
    await house.call("POST", path.rpartition("/")[0], ada.token, {"content": "never mind"}, 201)
    spoken = (await his.wait_for("message.created", lambda seen: seen["message"]["content"] == "never mind"))["message"]
    await house.call("DELETE", f"{path.rpartition('/')[0]}/{spoken['id']}", ada.token, expect=204)
    gone = (await his.wait_for("message.recalled"))["message"]
    check(gone["id"] == spoken["id"] and gone["content"] == "", f"still there: {gone}")
    say(f"{ada.name} has changed a message and taken another one back, on all screens")


async def the_finder(house: House, chat_id: str, ben: Person, dora: Person) -> None:
    """A search; and somebody to whom there is no such chat."""
    found = await house.call("GET", f"/chats/{chat_id}/messages?q=engine+near", ben.token)
    check(len(found["items"]) == 1, f"the search found {found['items']}")
    say(f"{ben.name} searches for \u201cengine near\u201d and finds: {found['items'][0]['content']}")
    answer = await house.call("GET", f"/chats/{chat_id}/messages", dora.token, expect=404)
    say(f"to {dora.name}, a stranger, there is no such chat: {answer['status']} {answer['code']}")


async def the_blocked(house: House, chat_id: str, ada: Person, ben: Person) -> None:
    """The end of a conversation."""
    await house.call("PUT", f"/profiles/{ben.username}/block", ada.token, expect=204)
    answer = await house.call("POST", f"/chats/{chat_id}/messages", ben.token, {"content": "Hello?"}, 403)
    say(f"{ada.name} has blocked {ben.name}, who cannot write to her: {answer['status']} {answer['code']}")
