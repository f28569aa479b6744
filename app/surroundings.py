"""What the system desk shows and only the composition root knows."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.errors import Conflict
from actors.messages.system import (
    ActorFigures,
    ActorList,
    HouseInfo,
    ListLogLines,
    Setting,
    SettingList,
    Wait,
)
from actors.runtime.ports import DeadLetter
from actors.runtime.system import System
from app import VERSION
from app.config import Config, effective
from app.logs import Logs, Wanted


class HouseSurroundings:
    """Implements `actors.system.Surroundings`. ``system`` is set once the actors exist."""

    system: System
    outgoing: Sequence[str] = ()

    def __init__(self, config: Config, logs: Logs, *, house: str, postgres: str, started_at: datetime) -> None:
        self.config = config
        self._logs = logs
        self.house = house
        self._postgres = postgres
        self._started_at = started_at
        self._began = time.monotonic()

    def info(self) -> HouseInfo:
        """What runs here, and since when."""
        return HouseInfo(
            version=VERSION, started_at=self._started_at, house=self.house, transport=self.config.mailbox.transport,
            postgres=self._postgres, uptime_seconds=round(time.monotonic() - self._began, 3),
            outgoing=list(self.outgoing),
        )  # fmt: skip

    def actors(self) -> ActorList:
        """Figures of every kind."""
        figures = self.system.statistics()
        return ActorList(
            house=self.house,
            items=[figures_of(kind, counted) for kind, counted in figures["kinds"].items()],
            waits=[
                Wait(from_=wait["from"], to=wait["to"], seconds=round(wait["seconds"], 3)) for wait in figures["waits"]
            ],
            degraded=figures["degraded"],
        )

    def settings(self) -> SettingList:
        """Effective settings, secrets masked."""
        return SettingList([Setting(**one._asdict()) for one in effective(self.config)])

    async def log_lines(self, query: ListLogLines) -> Sequence[dict[str, Any]]:
        """The newest log lines that fit."""
        wanted = Wanted(
            level=query.level or "debug", event=query.event, user_id=query.user_id, request_id=query.request_id,
            since=query.since,
        )  # fmt: skip
        return await self._logs.recent(wanted, query.limit)

    def redeliver(self, letter: DeadLetter) -> None:
        """Send a dead letter's message again.

        Raises:
            Conflict: this version has no such actor or message, or a secret that it cannot do without is blank.
            Overloaded: the actor's mailbox is full.
        """
        try:
            self.system.redeliver(letter)
        except (KeyError, msgspec.DecodeError) as error:
            raise Conflict(f"the message cannot be understood any more: {error}") from error


def figures_of(kind: str, counted: Mapping[str, Any]) -> ActorFigures:
    """Show what the runtime has counted of a kind."""
    return ActorFigures(
        kind=kind, active=counted["actors"], depth=counted["depth"], oldest_seconds=round(counted["oldest_seconds"], 3),
        handled=counted["handled"], crashed=counted["crashed"], restarts=counted["restarts"],
        expired=counted["expired"], handler_p50_ms=counted["p50_ms"], handler_p99_ms=counted["p99_ms"],
    )  # fmt: skip
