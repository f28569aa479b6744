"""What channels show of letters: their streams without what is private, and tasks to the couriers of a territory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from actors.authority import masked
from actors.runtime.ports import Stored
from handlers.realtime.codes import CHANNEL_ENDED
from handlers.realtime.hub import Hub

LETTER, COURIER = "letter:", "courier:"
_PREFIXES = (1, 2, 3, 4, 5, 6)
"""Lengths of prefixes that may be listened to."""
_PRIVATE = "private"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_told = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def public(body: bytes) -> bytes:
    """An event of a letter as its channel shows it."""
    members = _members(body)
    if members.pop(_PRIVATE, None) is None:
        return body
    return _encode(members)


class LetterChannels:
    """Stands between the house and the hub: nobody listens to a letter's events as they are stored.

    Who has given a task back that they had not collected loses the letter's channel.
    """

    def __init__(self, hub: Hub, pass_on: Callable[[Sequence[Stored]], None]) -> None:
        self._hub = hub
        self._pass_on = pass_on

    def publish(self, events: Sequence[Stored]) -> None:
        """Hear of events right after COMMIT, and pass them on (`actors.runtime.ports.Publisher`)."""
        if not any(event.stream.startswith(LETTER) for event in events):
            self._pass_on(events)
            return
        for event in events:
            self._take_away(event)
        self._pass_on([_shown(event) for event in events])
        for event in events:
            if event.type in {"delivery.offered", "delivery.changed"}:
                self._tell_couriers(event)

    def _take_away(self, event: Stored) -> None:
        if event.type == "letter.deleted":
            self._hub.take_away(event.stream, None, CHANNEL_ENDED)
        elif event.type == "delivery.changed":
            told = _told(event.body)
            before, task = told[_PRIVATE].get("before_id"), told[_PRIVATE]["task"]
            if before is not None and told["from"] == "accepted" and task.get("courier_id") != before:
                self._hub.take_away(event.stream, before)

    def _tell_couriers(self, event: Stored) -> None:
        told = _told(event.body)
        task = told[_PRIVATE].get("task", told[_PRIVATE])
        for prefix in sorted(set(_territories(task))):
            seen = _seen(task, prefix, told["letter_id"])
            told_here = {"type": event.type, "at": told["at"], "step": told.get("step", "offered"), "task": seen}
            self._hub.publish(f"{COURIER}{prefix}", 0, _encode(told_here))


def _shown(event: Stored) -> Stored:
    return event._replace(body=public(event.body)) if event.stream.startswith(LETTER) else event


def _territories(task: dict[str, Any]) -> Iterator[str]:
    for place in ("from_op", "to_op", "current_op"):
        yield from (task[place][:length] for length in _PREFIXES)


def _seen(task: dict[str, Any], prefix: str, letter_id: str) -> dict[str, Any]:
    """A task as those see it who have authority over a prefix."""
    places = {
        f"{place}_code": code if (code := task[place]).startswith(prefix) else masked(code)
        for place in ("from_op", "to_op", "current_op")
    }
    plain = ("id", "status", "courier_id", "priority", "points", "deadline", "attempts", "created_at", "changed_at")
    return {"letter_id": letter_id, **{name: task.get(name) for name in plain}, **places}
