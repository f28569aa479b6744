"""What leaves the house, for those who keep it running, on the wire."""

from actors.messages.outgoing import DeleteOutgoing, ListOutgoing, RetryOutgoing
from handlers.operation import Access, Operation

BASE = "/api/system/outgoing"

OPERATIONS = [
    Operation(
        method="GET", path=BASE, message=ListOutgoing, to="outgoing", access=Access.ADMIN, tag="system",
        summary="E-mails, pushes and text messages: what waits, was sent, dropped, or is dead; newest first",
        errors=("invalid_request",), timeout_seconds=10.0,
    ),
    Operation(
        method="POST", path=f"{BASE}/{{outgoing_id}}/retry", message=RetryOutgoing, to="outgoing",
        access=Access.ADMIN, tag="system", summary="Try it now, attempts counted anew", rate="write",
        errors=("not_found", "conflict"),
    ),
    Operation(
        method="DELETE", path=f"{BASE}/{{outgoing_id}}", message=DeleteOutgoing, to="outgoing", status=204,
        access=Access.ADMIN, tag="system", summary="Forget it", rate="write", errors=("not_found",),
    ),
]  # fmt: skip
