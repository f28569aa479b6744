"""What people missed comes by mail: gathered, unless it was read, and not by night."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from actors.messages.notification import Notice, TakeNotices
from actors.runtime.message import SYSTEM
from tests.notification.house import until
from tests.outgoing.house import MailedHouse
from tests.outgoing.mail_server import html_of, text_of

A_DIGEST_SECONDS = 1.2


async def test_five_things_are_one_mail(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    for n in range(5):
        await house.notify(ada, f"News {n}", body=f"It is {n} o'clock")

    [mail] = await house.mailed("ada")
    assert mail["Subject"] == "5 new notifications: News 0, News 1, News 2 and 2 more"
    assert all(f"News {n}\nIt is {n} o'clock" in text_of(mail) for n in range(5))
    await until(lambda: all_sent(house, 5))
    await house.notify(ada, "Later")
    [_, later] = await house.mailed("ada", 2)
    assert later["Subject"] == "Later" and later["Message-ID"] != mail["Message-ID"]


async def all_sent(house: MailedHouse, count: int) -> bool:
    rows = await house.sql("select from outgoing where state = 'sent' and type = 'system'")
    return len(rows) == count


async def test_what_was_read_meanwhile_is_not_mailed(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "Seen")
    await house.row_in(ada, "waiting")
    await house.call("PUT", "/notifications/read-all", ada.token, expect=204)
    row = await house.row_in(ada, "dropped")

    assert (row["error"], row["title"], house.mails("ada")) == ("read meanwhile", "", [])


async def test_of_a_digest_only_what_was_read_is_left_out(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "Seen")
    await house.notify(ada, "Missed")
    await until(lambda: house.sql("select from outgoing where title = 'Missed'"))
    page = await house.call("GET", "/notifications?type=system", ada.token)
    [seen] = (entry for entry in page["items"] if entry["title"] == "Seen")
    await house.call("PUT", f"/notifications/{seen['id']}/read", ada.token, expect=204)

    [mail] = await house.mailed("ada")
    assert mail["Subject"] == "Missed" and "Seen" not in text_of(mail)


async def test_messages_are_mailed_unless_they_were_read_in_the_chat(house: MailedHouse) -> None:
    ada, ben, cyd = await house.proved("ada"), await house.person("ben"), await house.proved("cyd")
    for other in ("ada", "cyd"):
        chat = await house.call("POST", "/chats", ben.token, {"kind": "direct", "member": other}, expect=201)
        content = {"kind": "text", "content": "are you there?"}
        await house.call("POST", f"/chats/{chat['id']}/messages", ben.token, content, expect=201)
    await house.row_in(cyd, "waiting")
    await house.call("PUT", f"/chats/{chat['id']}/read", cyd.token, {"seq": 1}, expect=204)

    [mail] = await house.mailed("ada")
    assert "ben" in str(mail["Subject"]) and "are you there?" in text_of(mail)
    assert (await house.row_in(cyd, "dropped"))["error"] == "read meanwhile"
    assert (house.mails("cyd"), (await house.row_in(ada, "sent"))["type"]) == ([], "message")


async def test_a_message_that_was_taken_back_is_not_mailed(house: MailedHouse) -> None:
    ada, ben = await house.proved("ada"), await house.person("ben")
    chat = await house.call("POST", "/chats", ben.token, {"kind": "direct", "member": "ada"}, expect=201)
    path = f"/chats/{chat['id']}/messages"
    sent = await house.call("POST", path, ben.token, {"kind": "text", "content": "the code is 1234"}, expect=201)
    await house.row_in(ada, "waiting")
    await house.call("DELETE", f"{path}/{sent['id']}", ben.token, expect=204)

    row = await house.row_in(ada, "dropped")
    assert (row["error"], row["body"], house.mails("ada")) == ("taken back", "", [])


async def test_who_wants_no_mail_of_messages_gets_none(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    preferences = await house.call("GET", "/notifications/preferences", ada.token)
    assert preferences["types"]["message"] == {"channels": ["inbox", "realtime", "email"]}

    wish = {"types": {"message": {"channels": ["inbox", "realtime"]}}}
    changed = await house.call("PATCH", "/notifications/preferences", ada.token, wish)
    assert changed["types"]["message"] == {"channels": ["inbox", "realtime"]}
    assert changed["types"]["mention"] == {"channels": ["inbox", "realtime", "email"]}
    await house.notify(ada, "Message", type="message")
    await until(lambda: house.sql("select from notification where title = 'Message'"))
    assert await house.rows(ada) == []


async def test_quiet_hours_hold_back_all_but_what_is_critical(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    start = datetime.now(UTC)
    soon, end = start - timedelta(hours=1), start + timedelta(hours=2)
    hours = {"from": f"{soon:%H:%M}", "to": f"{end:%H:%M}", "time_zone": "UTC"}
    await house.call("PATCH", "/notifications/preferences", ada.token, {"quiet_hours": hours})
    await house.notify(ada, "Whisper")
    await house.row_in(ada, "waiting")
    await house.notify(ada, "Fire", priority="critical")

    [mail] = await house.mailed("ada")
    assert mail["Subject"] == "Fire"
    await asyncio.sleep(A_DIGEST_SECONDS + 0.5)
    [whisper, _] = await house.rows(ada)
    assert whisper["state"] == "waiting"
    assert whisper["due_at"] == end.replace(second=0, microsecond=0)


async def test_what_is_critical_does_not_wait_for_the_digest(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "Fire", priority="critical")
    row = await house.row_in(ada, "sent")

    assert row["ended_at"] - row["created_at"] < timedelta(seconds=A_DIGEST_SECONDS)


async def test_an_address_that_nobody_has_proved_gets_no_digest(house: MailedHouse) -> None:
    ada = await house.person("ada")
    await house.notify(ada, "News")
    row = await house.row_in(ada, "dropped")

    assert row["error"] == "the e-mail address was not verified"
    assert [str(mail["Subject"]) for mail in house.mails("ada")] == ["Confirm your e-mail address"]


async def test_what_people_write_is_neither_header_nor_markup(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "Hi\r\nBcc: eve@example.org\r\n\r\n<b>", body="<script>alert(1)</script>\r\n.\r\nQUIT")

    [mail] = await house.mailed("ada")
    assert mail["Subject"] == "Hi Bcc: eve@example.org <b>" and mail["Bcc"] is None
    assert "<script>alert(1)</script>" in text_of(mail)
    assert "<script" not in html_of(mail) and "&lt;script&gt;" in html_of(mail)


async def test_a_notice_that_is_for_the_mail_only_is_taken_once(house: MailedHouse) -> None:
    ada = await house.proved("ada")
    await house.notify(ada, "News", channels=["email"])
    await house.row_in(ada, "sent")
    [job] = await house.sql("select notice from notification_job")
    again = TakeNotices(user_id=ada.id, notices=[msgspec.json.decode(job["notice"], type=Notice)])
    assert await house.refs("inbox", ada.id).ask(again, SYSTEM) == 0
    assert len(await house.rows(ada)) == 1
