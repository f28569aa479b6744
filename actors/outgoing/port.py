"""The port of what leaves the house: a channel (e-mail, push, SMS) is an address book and a sender.

A new channel implements both, and `app.outgoing` lists it; rows, retries, leases and the breaker are the same for all.

Exceptions of `Sender.send`:

Rejected      this parcel will never be taken: its rows are dead at once
Deferred      the other side answers, and wants this parcel later: its rows wait for their next attempt
anything else the channel itself is in trouble (connection, time, login): the same, and the breaker counts it
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from actors.messages.notification import Channel, Priority


class Rejected(Exception):  # noqa: N818 - reads as what happened
    """Never again. ``address_is_gone``: nothing will arrive there any more, so that the address book forgets it."""

    def __init__(self, reason: str, *, address_is_gone: bool = False) -> None:
        super().__init__(reason)
        self.address_is_gone = address_is_gone


class Deferred(Exception):  # noqa: N818 - reads as what happened
    """Not now, says the other side, which is well. ``after_seconds``: not before that, where it says so."""

    def __init__(self, reason: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class Entry(NamedTuple):
    """One thing to tell."""

    id: str  # of the outgoing row
    notification_id: str | None  # the notification's; their inbox need not have it. None: no notification
    type: str
    title: str
    body: str
    data: Mapping[str, Any]
    priority: Priority
    created_at: datetime
    sealed: bytes | None = None  # content that stands nowhere in clear (`actors.outgoing.seal`)


class Parcel(NamedTuple):
    """What goes to one address at once: one entry, or a digest of several, oldest first."""

    id: str  # the same at every attempt, so that the other side can know a duplicate
    user_id: str
    username: str
    address: str  # e-mail address, phone number, or a push subscription as JSON
    entries: Sequence[Entry]  # at least one

    @property
    def title(self) -> str:
        """Of the first entry."""
        return self.entries[0].title

    @property
    def body(self) -> str:
        """Of the first entry."""
        return self.entries[0].body

    @property
    def data(self) -> Mapping[str, Any]:
        """Of the first entry."""
        return self.entries[0].data

    @property
    def priority(self) -> Priority:
        """Of the first entry; what is critical always goes by itself."""
        return self.entries[0].priority


class Recipient(NamedTuple):
    """Whoever a parcel is for, and what for: some addresses are good for one purpose only."""

    user_id: str
    type: str  # of the first entry


class Reach(NamedTuple):
    """Where a person can be reached now. No address: the rows are dropped, and ``reason`` says why."""

    username: str
    addresses: Sequence[str]
    reason: str = "no address"


class AddressBook(Protocol):
    """Where people are reached. Asked anew at each attempt: addresses change, and are withdrawn."""

    async def reach(self, recipient: Recipient) -> Reach:
        """Every address of the person; of several each gets the parcel, with attempts of its own.

        Raises ConnectionError.
        """
        ...

    async def forget(self, user_id: str, address: str) -> None:
        """Nothing arrives there any more. Raises ConnectionError."""
        ...


class Sender(Protocol):
    """Takes parcels to where they belong."""

    @property
    def channel(self) -> Channel:
        """Which channel it serves."""
        ...

    async def send(self, parcel: Parcel) -> None:
        """Return when the other side has taken it over. Raises: see the module.

        Cancelled when it takes too long (`ChannelSettings.send_seconds`). What it raises is stored and shown to
        administrators: without secrets, and addresses only in the form of e-mail addresses, which are masked.
        """
        ...


class Outlet(NamedTuple):
    """One channel of the house. Rows are written only for channels that have one."""

    sender: Sender
    book: AddressBook
    concurrency: int = 4  # parcels under way at a time

    @property
    def channel(self) -> Channel:
        """Its sender's."""
        return self.sender.channel
