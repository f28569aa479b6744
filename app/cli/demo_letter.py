"""The demo's story of a letter: written, carried through two schools by six hands, read and answered."""

import secrets
from itertools import pairwise
from typing import Any, NamedTuple

from app.cli.demo_stage import House, Person, Screen, check, say
from app.cli.operator import Operator

SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class School(NamedTuple):
    """A school with one building, its three couriers, and somebody who lives there."""

    code: str
    area: str
    point: str
    building: Person
    area_courier: Person
    school_courier: Person


async def the_letter(house: House, operator: Operator, ada: Person, ben: Person) -> None:
    """Everything that happens to a letter, once."""
    key = operator.api_key
    north, south = await school(house, key, "North", ada), await school(house, key, "South", ben)
    say(f"two schools are open, {north.code} and {south.code}, each with three couriers and a point for somebody")
    letter = await written(house, ada, ben, south)
    async with ada.connected(operator.url) as screen:
        await screen.watch(f"letter:{letter['id']}")
        await carried(house, letter, north, south, screen)
        await read(house, letter, ada, ben, screen)
    await the_timeline(house, letter, ada, ben)


async def school(house: House, key: str, name: str, resident: Person) -> School:
    """Open a school, appoint its couriers, and give somebody a point in it."""
    code = await opened(house, key, name)
    area = f"{code}5F"
    couriers = [await house.register(f"{name.lower()}_{title}") for title in ("school", "area", "building")]
    await house.call("POST", "/couriers", key, {"user_id": couriers[0].id, "level": 3, "prefixes": [code]}, 201)
    await house.call("POST", "/op-codes/areas", couriers[0].token, {"code": area, "name": "Building 5"}, 201)
    for above, below, level in ((couriers[0], couriers[1], 2), (couriers[1], couriers[2], 1)):
        body = {"user_id": below.id, "level": level, "prefixes": [area]}
        await house.call("POST", "/couriers", above.token, body, 201)
    wish = {
        "school": code, "area": "5F", "type": "dormitory", "name": f"Room of {resident.name}", "address": "5 Park Lane",
        "reason": "I live here",
    }  # fmt: skip
    asked = await house.call("POST", "/op-codes/applications", resident.token, wish, 201)
    given = await house.call("POST", f"/op-codes/applications/{asked['id']}/approve", couriers[1].token, {})
    return School(code, area, given["code"], couriers[2], couriers[1], couriers[0])


async def opened(house: House, key: str, name: str) -> str:
    """Open a school under two characters that no earlier story has used."""
    taken = {place["code"] for place in (await house.call("GET", "/op-codes/schools?limit=100", key))["items"]}
    while (code := secrets.choice(SIGNS) + secrets.choice(SIGNS)) in taken:
        pass
    await house.call("POST", "/op-codes/schools", key, {"code": code, "name": name}, 201)
    return code


async def written(house: House, ada: Person, ben: Person, south: School) -> Any:
    """A draft that saves itself, and is sealed."""
    body = {"recipient": ben.username, "title": "Tea?", "content": "Come at four."}
    draft = await house.call("POST", "/letters", ada.token, body, 201)
    await house.call("PATCH", f"/letters/{draft['id']}", ada.token, {"content": "Come at five."})
    versions = await house.call("GET", f"/letters/{draft['id']}/versions", ada.token)
    check(len(versions["items"]) == 2, f"a change has kept {len(versions['items'])} versions, not two")
    letter = await house.call("POST", f"/letters/{draft['id']}/seal", ada.token)
    masked = f"{south.point[:4]}**"
    check(letter["to_op_code"] == masked, f"{ada.name} sees where {ben.name} lives: {letter['to_op_code']}")
    say(f"{ada.name} has written and sealed a letter to {masked}: {letter['code']}")
    await house.call("GET", f"/letters/{letter['id']}", ben.token, expect=404)
    return letter


async def carried(house: House, letter: Any, north: School, south: School, screen: Screen) -> None:
    """From hand to hand, each hand-over two scans."""
    await house.call("POST", f"/couriers/tasks/{letter['task_id']}/accept", north.building.token)
    await scan(house, letter, north.building, "collect", north.point)
    await screen.wait_for("letter.moved", lambda seen: seen["to"] == "collected")
    say(f"{north.building.name} of the building has collected it, and the writer sees that live")
    await scan(house, letter, north.building, "transit", north.point)
    hands = [
        north.building, north.area_courier, north.school_courier, south.school_courier, south.area_courier,
        south.building,
    ]  # fmt: skip
    for giver, taker in pairwise(hands):
        place = f"{(north if giver in hands[:3] else south).area}00"
        await scan(house, letter, giver, "handover", place, to=taker.id)
        await scan(house, letter, taker, "receive", place)
        say(f"{giver.name} has handed it over to {taker.name}")
    await scan(house, letter, south.building, "deliver", south.point)
    await screen.wait_for("letter.moved", lambda seen: seen["to"] == "delivered")
    say(f"{south.building.name} has delivered it")


async def scan(house: House, letter: Any, who: Person, action: str, place: str, **more: Any) -> None:
    """Scan the envelope."""
    name = f"{letter['code']}-{action}-{who.id}"
    body = {"code": letter["code"].lower(), "action": action, "op_code": place, "client_scan_id": name, **more}
    done = await house.call("POST", "/couriers/scan", who.token, body)
    check(done["result"] == "applied", f"the scan {action} of {who.name} was {done['result']}")


async def read(house: House, letter: Any, ada: Person, ben: Person, screen: Screen) -> None:
    """Read with the code on the envelope, and answered."""
    seen = await house.call("GET", f"/letters/read/{letter['code']}", ben.token)
    check(seen["content"] == "Come at five.", f"the letter says {seen['content']}")
    await screen.wait_for("letter.moved", lambda move: move["to"] == "read")
    answer = await house.call("POST", f"/letters/{letter['id']}/reply", ben.token, {"content": "Gladly."}, 201)
    answer = await house.call("POST", f"/letters/{answer['id']}/seal", ben.token)
    thread = await house.call("GET", f"/letters/{letter['id']}/thread", ben.token)
    check(len(thread["items"]) == 2, f"the correspondence has {len(thread['items'])} letters")
    say(f"{ben.name} has read it and sealed an answer to {ada.name}: {answer['code']}")


async def the_timeline(house: House, letter: Any, ada: Person, ben: Person) -> None:
    """What the writer sees of all this, and what somebody who only has the code does."""
    steps = (await house.call("GET", f"/letters/{letter['id']}/track?limit=100", ada.token))["items"]
    for step in steps:
        print(f"        {step['at'][11:19]}  {step['step']:<18} {step['place'] or ''}")
    check([step["step"] for step in steps].count("handed_over") == 5, "the timeline lacks a hand-over")
    seen = (await house.call("GET", f"/letters/{letter['code']}/track?limit=100", ben.token))["items"]
    places = {step["place"] for step in seen if step["place"]}
    check(all(place.endswith("**") for place in places), f"places are not masked: {places}")
    say(f"{ada.name} sees {len(steps)} steps of its way; others see the places masked")
