"""Reads the log back: which lines are wanted, and the newest of them, through all rotated files."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from app.logs.line import LEVELS

_BLOCK_BYTES = 64 * 1024
_LONGEST_LINE_BYTES = 2**20
SCAN_BYTES = 64 * 2**20


class Head(msgspec.Struct):
    """The fields that lines are chosen by; tolerant, since files hold whatever was written to them."""

    ts: str = ""
    level: str = "info"
    event: str = ""
    actor: str | None = None
    user_id: str | None = None
    request_id: str | None = None


_head = msgspec.json.Decoder(Head)
_fields = msgspec.json.Decoder(dict[str, Any])


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines are wanted; None wants all. ``event`` and ``actor`` take ``*`` and ``?``."""

    level: str | None = None  # this one and worse
    event: str | None = None
    actor: str | None = None  # a kind (`task`), or one actor (`task:018f...`)
    user_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None  # aware

    def fits(self, line: bytes) -> bool:
        """Whether this line is wanted. A line that is not ours (no JSON object) never is."""
        head = self.head(line)
        return head is not None and self.is_new(head) and self._has(head)

    def head(self, line: bytes) -> Head | None:
        """The line's first fields; None when it cannot be wanted, whatever they are."""
        for needle in (self.user_id, self.request_id):
            if needle is not None and needle.encode(errors="replace") not in line:
                return None  # most lines end here, undecoded
        try:
            return _head.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def is_new(self, head: Head) -> bool:
        """Whether the line is not older than ``since``."""
        return self.since is None or head.ts >= self.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _has(self, head: Head) -> bool:
        return (
            (self.level is None or LEVELS.get(head.level, 0) >= LEVELS[self.level])
            and (self.event is None or fnmatchcase(head.event, self.event))
            and (self.actor is None or _is_actor(head.actor or "", self.actor))
            and (self.user_id is None or head.user_id == self.user_id)
            and (self.request_id is None or head.request_id == self.request_id)
        )


def _is_actor(actor: str, wanted: str) -> bool:
    return fnmatchcase(actor, wanted) or fnmatchcase(actor.partition(":")[0], wanted)


def fields(line: bytes) -> dict[str, Any]:
    """All fields of a line that `Wanted.fits`."""
    return _fields.decode(line)


def written_at(line: bytes) -> str:
    """When a line that `Wanted.fits` was written; equal in order to the time itself."""
    return _head.decode(line).ts


def newest(path: Path, wanted: Wanted, limit: int, *, scan_bytes: int = SCAN_BYTES) -> list[bytes]:
    """The newest ``limit`` wanted lines, newest first. Reads at most ``scan_bytes`` of the files, from their end."""
    found: list[bytes] = []
    for line in backwards(path, scan_bytes):
        if wanted.fits(line):
            found.append(line)
            if len(found) >= limit:
                break
        elif wanted.since is not None and _is_before(line, wanted):
            break
    return found


def _is_before(line: bytes, wanted: Wanted) -> bool:
    """Whether this line, and so all before it, is too old. Lines are in order up to the writer's batch of 100 ms."""
    try:
        head = _head.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return bool(head.ts) and not wanted.is_new(head)


def backwards(path: Path, scan_bytes: int = SCAN_BYTES) -> Iterator[bytes]:
    """Whole lines, newest first, through ``path``, ``path.1``, ``path.2`` ... A rotation meanwhile repeats nothing."""
    seen: set[tuple[int, int]] = set()
    left = scan_bytes
    for name in (path, *older(path)):
        try:
            file = name.open("rb")
        except OSError:
            continue
        with file:
            stat = os.fstat(file.fileno())
            if (stat.st_dev, stat.st_ino) in seen or left <= 0:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            yield from _file_backwards(file, stat.st_size, left)
            left -= stat.st_size


def older(path: Path) -> Iterator[Path]:
    """The names of rotated files, newest first. Lazy, so that a rotation meanwhile hides nothing."""
    number = 1
    while (name := path.with_name(f"{path.name}.{number}")).exists():
        yield name
        number += 1


def _file_backwards(file: BinaryIO, end: int, scan_bytes: int) -> Iterator[bytes]:
    tail = b""
    stop = max(0, end - scan_bytes)
    while end > stop:
        start = max(stop, end - _BLOCK_BYTES)
        file.seek(start)
        block = file.read(end - start) + tail
        lines = block.split(b"\n")
        tail = lines[0] if len(lines[0]) <= _LONGEST_LINE_BYTES else b""
        yield from (line for line in reversed(lines[1:]) if line)
        end = start
    if tail and stop == 0:
        yield tail
