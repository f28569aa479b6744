"""Labels, and what is printed: a phone's reader understands it."""

from datetime import timedelta

import msgspec
import resvg_py
import zxingcpp

from actors.messages.label import ExpireLabels
from actors.runtime.message import SYSTEM
from tests.letter.house import DOOR, HOME, Post
from tests.letter.png import gray
from tests.system.house import Person


async def picture(post: Post, who: Person, path: str) -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {who.token}"}
    async with post.served.http.get(f"/api/v1{path}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        return answer.headers["Content-Type"], await answer.read()


def texts(media: str, content: bytes) -> set[str]:
    """What a phone's reader finds in a picture."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=content.decode(), dpi=110)) if "svg" in media else content
    return {found.text for found in zxingcpp.read_barcodes(gray(png))}


async def test_the_code_of_a_letter_is_read_by_a_phone(post: Post, ada: Person, ben: Person) -> None:
    letter = await post.sealed(ada, title='<script>alert("x")</script>')
    for name, media in (("qr.svg", "image/svg+xml"), ("qr.png", "image/png"), ("sheet.svg", "image/svg+xml")):
        kind, content = await picture(post, ada, f"/letters/{letter['id']}/{name}")
        assert kind == media and b"<script" not in content
        [text] = texts(kind, content)
        said = msgspec.json.decode(text)
        assert said == {
            "type": "posthouse_letter", "version": "1", "code": letter["code"], "to_op_code": DOOR,
            "read_url": said["read_url"],
        }  # fmt: skip
        assert said["read_url"].endswith(f"/api/v1/letters/read/{letter['code']}")
    draft = await post.draft(ada)
    assert (await post.get(ada, draft, "/qr.svg", expect=409))["to"] == "sealed"
    await post.get(ben, letter, "/qr.svg", expect=404)


async def test_labels_are_made_printed_and_bound_once(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    await post.call(cat, "POST", "/labels/batches", {"count": 3}, expect=403)
    school = await post.courier("sue", "PK", level=3)
    batch = await post.call(school, "POST", "/labels/batches", {"count": 30, "note": "north"}, expect=201, key="once")
    again = await post.call(school, "POST", "/labels/batches", {"count": 30, "note": "north"}, expect=201, key="once")
    assert (again, batch["sheets"]) == (batch, 2)
    first = await post.call(school, "GET", f"/labels/batches/{batch['id']}/labels?limit=20")
    rest = await post.call(
        school, "GET", f"/labels/batches/{batch['id']}/labels?limit=20&cursor={first['next_cursor']}"
    )
    codes = [label["code"] for label in first["items"] + rest["items"]]
    assert len(set(codes)) == 30 and all(len(code) == 8 and code.startswith("OP") for code in codes)
    printed = [
        texts(*await picture(post, school, f"/labels/batches/{batch['id']}/sheet.svg?page={page}")) for page in (1, 2)
    ]
    assert (len(printed[0]), printed[0] | printed[1]) == (24, set(codes))
    await post.call(ada, "GET", f"/labels/batches/{batch['id']}", expect=404)

    letter, other = await post.sealed(ada), await post.sealed(ada)
    path = f"/labels/{codes[0].lower()}/bind"
    bound = await post.call(ada, "POST", path, {"letter_id": letter["id"]})
    assert (bound["status"], bound["letter_id"]) == ("bound", letter["id"])
    await post.call(ada, "POST", path, {"letter_id": letter["id"]})
    await post.call(ada, "POST", path, {"letter_id": other["id"]}, expect=409)
    await post.call(ben, "POST", f"/labels/{codes[1]}/bind", {"letter_id": letter["id"]}, expect=404)
    assert (await post.call(ben, "GET", f"/labels/{codes[0]}"))["letter_id"] is None

    await post.task(cat, letter, "accept")
    labelled = {**letter, "code": codes[0]}
    for action, place, status in (
        ("collect", HOME, "bound"), ("transit", HOME, "in_transit"), ("deliver", DOOR, "delivered")
    ):  # fmt: skip
        await post.scan(cat, labelled, action, place)
        assert (await post.call(cat, "GET", f"/labels/{codes[0]}"))["status"] == status


async def test_what_is_bound_once_ends_with_its_letter(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    batch = await post.call(post.admin, "POST", "/labels/batches", {"count": 4}, expect=201)
    page = await post.call(post.admin, "GET", f"/labels/batches/{batch['id']}/labels")
    one, two, three, four = [label["code"] for label in page["items"]]

    async def status(code: str) -> str:
        label: dict[str, str] = await post.call(post.admin, "GET", f"/labels/{code}")
        return label["status"]

    letter = await post.sealed(ada)
    await post.call(ada, "POST", f"/labels/{one}/bind", {"letter_id": letter["id"]})
    await post.call(post.admin, "POST", f"/labels/{one}/cancel", expect=409)
    await post.act(ada, letter, "recall")
    assert await status(one) == "cancelled"
    refused = await post.scan(cat, {**letter, "code": one}, "collect", expect=409)
    assert refused["detail"] == "this label is cancelled"
    await post.scan(cat, {**letter, "code": two}, "collect", expect=409)  # means no letter yet

    draft = await post.draft(ada)
    await post.call(ada, "POST", f"/labels/{two}/bind", {"letter_id": draft["id"]})
    await post.call(ada, "DELETE", f"/letters/{draft['id']}", expect=204)
    assert await status(two) == "cancelled"

    await post.call(ada, "POST", f"/labels/{three}/cancel", expect=404)
    await post.call(post.admin, "POST", f"/labels/{three}/cancel")
    [timer] = await post.sql("select id, due_at - now() as rest from timer where kind = 'labels'")
    assert timedelta(days=364) < timer["rest"] < timedelta(days=366)
    expire = ExpireLabels(batch_id=batch["id"], timer_id=str(timer["id"]))
    await post.served.refs("labels", "").ask(expire, SYSTEM)
    assert [await status(code) for code in (one, two, three, four)] == [
        "cancelled",
        "cancelled",
        "cancelled",
        "expired",
    ]
    await post.call(ada, "POST", f"/labels/{four}/bind", {"letter_id": letter["id"]}, expect=409)
    assert await post.sql("select from timer where kind = 'labels'") == []
