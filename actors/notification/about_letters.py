"""What people hear of letters: writer and recipient of every move, couriers of what was given to them or taken away."""

from typing import Any

from actors.messages.notification import Notice

Body = dict[str, Any]
Told = tuple[str, Notice]

_MOVED = {
    "draft": "is a draft again",
    "scheduled": "will be sealed when its time comes",
    "sealed": "is sealed, and waits for a courier",
    "collected": "was collected",
    "in_transit": "is in transit",
    "delivered": "was delivered",
    "failed": "could not be delivered; there will be another try",
    "read": "was read",
}
_HIDDEN = {"draft", "scheduled", "sealed"}
"""What a recipient does not hear of: for them a letter begins with its first collection."""
_GIVEN = {"assigned": "A delivery was given to you", "reassigned": "A delivery was given to you"}
_TAKEN = {
    "reassigned": "A delivery of yours was given to somebody else",
    "timed_out": "A delivery of yours was freed: its deadline is long past",
    "suspended": "A delivery of yours was freed",
    "cancelled": "A letter that you would have carried was taken back",
    "handed_over": "Your hand-over was received",
}
_OVERDUE = (
    "A letter that you carry is long past its deadline: deliver it, or hand it over",
    "A letter with a courier below you is long past its deadline",
)
"""For who has the paper, and for their parent."""


def letter_moved(body: Body) -> list[Told]:
    """A letter has another status."""
    private, to = body["private"], body["to"]
    data = {"letter_id": body["letter_id"], "from": body["from"], "to": to}
    title = private["title"] or "without a title"
    told = [(private["sender_id"], Notice(type="letter", title=f"Your letter “{title}” {_MOVED[to]}"[:200], data=data))]
    recipient = private["recipient_id"]
    if recipient is not None and to not in _HIDDEN:
        told.append((recipient, Notice(type="letter", title=f"A letter for you {_MOVED[to]}", data=data)))
    return told


def delivery_changed(body: Body) -> list[Told]:
    """A task was given to somebody, or taken from them."""
    private, step = body["private"], body["step"]
    task, before = private["task"], private.get("before_id")
    now = task.get("courier_id")
    data = {"letter_id": body["letter_id"], "task_id": body["task_id"], "step": step}
    note = private.get("note") or ""
    told: list[Told] = []
    if now is not None and step in _GIVEN:
        told.append((now, Notice(type="delivery", title=_GIVEN[step], body=note, data=data, priority="high")))
    if before is not None and before != now and step in _TAKEN:
        told.append((before, Notice(type="delivery", title=_TAKEN[step], body=note, data=data)))
    if step == "cancelled" and now is not None:
        told.append((now, Notice(type="delivery", title=_TAKEN[step], data=data)))
    if step == "overdue":
        told += [
            (who, Notice(type="delivery", title=title, data={**data, "courier_id": now}, priority="high"))
            for who, title in zip((now, private.get("parent_id")), _OVERDUE, strict=True)
            if who is not None
        ]
    if step == "handover_offered" and task.get("offer_to") is not None:
        title = "A letter is handed over to you: receive it within minutes"
        told.append((task["offer_to"], Notice(type="delivery", title=title, data=data, priority="high")))
    return told
