"""What keeps a house from starting and a person can mend: told as a sentence."""

import errno
import os
from pathlib import Path


class CannotStart(Exception):  # noqa: N818 - reads as the sentence that it is
    """The house cannot start; the message says why, and what to do."""


def cannot_listen(host: str, port: int, error: OSError) -> CannotStart:
    """Say why nobody can be served at this address."""
    place = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return CannotStart(f"{place} is taken by another program: stop it, or name another --port (0 finds a free one)")
    if error.errno == errno.EACCES:
        return CannotStart(f"this user may not listen on {place}: name a --port above 1023")
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return CannotStart(f"cannot listen on {place}: {reason}. See http.host and http.port")


def cannot_keep(folder: Path, error: OSError) -> CannotStart | None:
    """Say what is wrong with the data folder; None when the error is about something else, and a fault of ours."""
    place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if place is None or not (place.is_relative_to(folder) or folder.is_relative_to(place)):
        return None
    return CannotStart(
        f"{place}: {error.strerror}. Everything is kept in {folder}: name a folder that this user may write to "
        "(--data, data.dir)"
    )
