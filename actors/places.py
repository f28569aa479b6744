"""Whether places are there at all. Rules that are no actor."""

from collections.abc import Sequence

from actors.authority import AREA, lookalikes
from actors.errors import InvalidRequest
from storage.op_code import OpCodeStore


async def require_places(places: OpCodeStore, level: int, prefixes: Sequence[str]) -> None:
    """Raise `InvalidRequest` unless every school and area is open. A city's schools may be opened later."""
    if level == 4:
        return
    for place, prefix in enumerate(prefixes):
        await require_open(places, prefix, f"$.prefixes[{place}]")


async def require_open(places: OpCodeStore, code: str, path: str) -> None:
    """Raise `InvalidRequest` unless the school or area of a code is open."""
    area = code[:AREA]
    if not await places.list_known([area]):
        hint = await known_lookalikes(places, area)
        raise InvalidRequest(f"{area} is not open{hint}", path)


async def known_lookalikes(places: OpCodeStore, code: str) -> str:
    """A hint that names what a code was probably meant to be: ``; did you mean PK0F (0 and O look alike)?``."""
    known = await places.list_known(lookalikes(code))
    if not known:
        return ""
    return f"; did you mean {' or '.join(known)}? The letter O and the digit 0 look alike, and so do I and 1"
