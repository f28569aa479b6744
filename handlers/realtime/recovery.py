"""What a client missed: all of it in order, or nothing and a plain word that it is not all."""

from collections.abc import Sequence

from handlers.ports import Position, Publication, Streams
from handlers.realtime.settings import RealtimeSettings


async def missed(
    streams: Streams, settings: RealtimeSettings, channel: str, known: Position, head: Position
) -> Sequence[Publication] | None:
    """Return (known, head], or more where the stream has moved on meanwhile.

    None: it is too much for one recovery, behind the retention, ahead of the head, or of another life of the stream.
    """
    behind = head.offset - known.offset
    if known.epoch != head.epoch or not 0 <= behind <= settings.recovery_publications:
        return None
    if behind == 0:
        return ()
    publications = await streams.read(channel, known.offset, settings.recovery_publications)
    offsets = [publication.offset for publication in publications]
    is_whole = offsets == list(range(known.offset + 1, known.offset + 1 + len(offsets))) and len(offsets) >= behind
    return publications if is_whole and size(publications) <= settings.recovery_bytes else None


def size(publications: Sequence[Publication]) -> int:
    """Return the bytes of the publications' data."""
    return sum(len(publication.data) for publication in publications)


def within(publications: Sequence[Publication], limit_bytes: int) -> Sequence[Publication]:
    """Return as many of the first publications as fit into a page, at least one."""
    total = 0
    for count, publication in enumerate(publications):
        total += len(publication.data)
        if total > limit_bytes and count:
            return publications[:count]
    return publications
