"""Every limit of the realtime interface, with its unit."""

from typing import Annotated

import msgspec

from handlers.cors import check_origins

Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class RealtimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[realtime]`` of the configuration."""

    allowed_origins: list[str] = []
    """Beside the same origin, e.g. ``https://console.example``; ``*`` lets every page in."""
    frame_bytes: Positive = 65_536
    """Largest frame a client may send; beyond it the connection closes with 1009."""
    live_frame_bytes: Positive = 524_288
    """Largest frame the house makes out of several publications."""
    outbox_publications: Positive = 256
    """What may wait for one reader; beyond it the connection closes with 3008."""
    outbox_bytes: Positive = 1_048_576
    send_seconds: Seconds = 10.0
    """How long a reader may take nothing off its socket."""
    recovery_publications: Positive = 1_000
    """Most publications of one recovery or one page of history."""
    recovery_bytes: Positive = 524_288
    connections_per_user: Positive = 10
    channels_per_connection: Positive = 100
    commands_per_second: Positive = 50
    commands_burst: Positive = 250
    connect_seconds: Seconds = 15.0
    """From the open socket to a good ``connect``; then 3502."""
    ping_seconds: Positive = 25
    pong_seconds: Seconds = 10.0
    """How long after a ping a silent client is closed with 3012."""
    expiry_grace_seconds: Seconds = 25.0
    """How long a connection outlives its token; then 3005."""
    close_seconds: Seconds = 5.0
    """How long a client may take to answer a close frame before its socket is cut."""
    gap_wait_seconds: Seconds = 0.005
    """How long a publication that overtook another waits for it before the event table is read."""
    gap_publications: Positive = 1_000
    """How many publications a channel holds while a gap is filled; the rest is read from the event table."""

    def __post_init__(self) -> None:
        """Refuse origins that no page has."""
        check_origins(self.allowed_origins, "allowed_origins")
