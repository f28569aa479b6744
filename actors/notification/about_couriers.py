"""What couriers, and people who apply for something, find in their inboxes."""

from typing import Any

from actors.messages.notification import Notice, Priority

Body = dict[str, Any]
Told = tuple[str, Notice]
_LEVELS = {1: "a building", 2: "an area", 3: "a school", 4: "a city"}


def appointed(body: Body) -> Told:
    """Somebody is a courier now."""
    courier = body["courier"]
    where = ", ".join(courier["prefixes"])
    return _told(body, f"You are {_LEVELS[courier['level']]} courier now", f"Your territory: {where}")


def rejected(body: Body) -> Told:
    """An application was refused."""
    asked = body["courier"]["application"]
    what = "promotion" if asked["kind"] == "promotion" else "application"
    return _told(body, f"Your {what} was not approved", body["reason"], application_id=asked["id"])


def promoted(body: Body) -> Told:
    """A courier has another level."""
    courier = body["courier"]
    where = ", ".join(courier["prefixes"])
    return _told(body, f"You are promoted: {_LEVELS[courier['level']]} courier", f"Your territory: {where}")


def changed(body: Body) -> Told | None:
    """A courier has another territory; other changes need no notice."""
    prefixes = body["courier"]["prefixes"]
    return None if prefixes == body["was"] else _told(body, "Your territory has changed", ", ".join(prefixes))


def transferred(body: Body) -> Told:
    """A courier stands under somebody else."""
    return _told(body, "You stand under another courier now", body["reason"])


def suspended(body: Body) -> Told:
    """A courier takes nothing more."""
    return _told(body, "You are suspended as a courier", body["reason"], priority="high")


def resumed(body: Body) -> Told:
    """A suspended courier works again."""
    return _told(body, "You work as a courier again")


def point_given(body: Body) -> Told:
    """Somebody has a point."""
    asked = body["application"]
    return _point(asked, f"Letters reach you at {asked['code']}", asked["name"])


def point_refused(body: Body) -> Told:
    """An application for a point was refused."""
    asked = body["application"]
    return _point(asked, f"Your application for {asked['name']} was not approved", asked["note"])


def point_released(body: Body) -> Told | None:
    """A point was taken back; who gave it up knows."""
    asked = body["application"]
    if asked["decided_by"] == asked["user_id"]:
        return None
    return _point(asked, f"Letters reach you at {asked['code']} no longer", asked["note"])


def _told(body: Body, title: str, text: str = "", priority: Priority = "normal", **data: str) -> Told:
    courier = body["courier"]
    about = {"level": courier["level"], "status": courier["status"], **data}
    return body["user_id"], Notice(type="courier", title=title, body=text, priority=priority, data=about)


def _point(asked: Body, title: str, text: str) -> Told:
    about = {"application_id": asked["id"], "status": asked["status"], "code": asked["code"]}
    return asked["user_id"], Notice(type="op_code", title=title, body=text, data=about)


NOTICES = {
    "courier.appointed": appointed,
    "courier.rejected": rejected,
    "courier.promoted": promoted,
    "courier.changed": changed,
    "courier.transferred": transferred,
    "courier.suspended": suspended,
    "courier.resumed": resumed,
    "op_code.given": point_given,
    "op_code.refused": point_refused,
    "op_code.released": point_released,
}
