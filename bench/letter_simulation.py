"""Letters carried by couriers over some days, on a clock that is set by hand, by the real actors on PostgreSQL.

Couriers take tasks or are given them, collect, hand over across areas and schools, deliver and fail; some are slow,
some are suspended for a while, phones send scans twice and in batches out of order. At the end everybody hurries, and
every letter must have arrived, have failed for good, or wait to be carried: none is lost, none is there twice.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from actors.messages.courier import ResumeCourier, SuspendCourier
from actors.messages.delivery import AcceptDelivery, ReleaseDelivery, ScanEntry, ScanLetter, ScanLetters
from actors.messages.letter import CreateLetter, LetterPriority, SealLetter
from bench.letter_house import LetterHouse
from bench.letter_world import ADMIN, Courier, World

STEP_MINUTES = 10.0
PRIORITIES: Sequence[LetterPriority] = ("normal", "urgent", "express")
HELD = (
    "select id, letter_id, code, status, courier_id::text, from_op, to_op, current_op, offer_until from delivery"
    " where status in ('accepted', 'collected', 'in_transit') order by changed_at"
)
FREE = "select id::text, current_op from delivery where status = 'available' order by created_at limit 500"


class Chances(NamedTuple):
    """What goes wrong, and how eager people are; per courier or task and step."""

    fail: float = 0.03
    repeat: float = 0.05
    release: float = 0.01
    suspend: float = 0.0005
    volunteer: float = 0.3
    act: float = 0.5
    act_slowly: float = 0.02


HURRY = Chances(fail=0.0, repeat=0.0, release=0.0, suspend=0.0, volunteer=1.0, act=1.0, act_slowly=1.0)


class Simulation:
    """Goes on step by step; `run` is the whole of it."""

    def __init__(self, house: LetterHouse, world: World, seed: int) -> None:
        self._house = house
        self._world = world
        self._dice = random.Random(seed)
        self._scans = 0
        self._suspended: dict[str, int] = {}
        self.steps = 0
        self.written = 0

    async def run(self, letters: int, days: float) -> None:
        """Write the letters over so many days, and carry them until nothing is in anybody's hands."""
        steps = max(1, round(days * 24 * 60 / STEP_MINUTES))
        for step in range(steps):
            await self._write((step + 1) * letters // steps - step * letters // steps)
            await self.step(Chances())
        await self._resume(everybody=True)
        for _ in range(2 * 24 * 6):
            if not await self._house.sql(
                "select from delivery where status in ('available', 'accepted', 'collected', 'in_transit') limit 1"
            ):
                break
            await self.step(HURRY)

    async def step(self, chances: Chances) -> None:
        """Ten minutes: some take tasks, the house gives out the others, and everybody does something with theirs."""
        self.steps += 1
        await self._volunteer(chances)
        await self._house.pass_time(STEP_MINUTES)
        await self._suspend(chances)
        bags: dict[str, list[Any]] = defaultdict(list)
        for row in await self._house.sql(HELD):
            bags[row["courier_id"]].append(row)
        await asyncio.gather(*(self._act(self._world.couriers[who], tasks, chances) for who, tasks in bags.items()))

    async def _write(self, count: int) -> None:
        await asyncio.gather(*(self._post() for _ in range(count)))
        self.written += count

    async def _post(self) -> None:
        here, there = self._dice.sample(self._world.points, 2)
        writer = self._dice.choice(self._world.writers)
        priority = self._dice.choices(PRIORITIES, (8, 1, 1))[0]
        draft = CreateLetter(
            from_op_code=here, to_op_code=there, title="Hello", content="How are you?", priority=priority
        )
        made = await self._house.ask("letters", draft, writer)
        if made is None or await self._house.ask("letters", SealLetter(letter_id=made.id), writer) is None:
            raise RuntimeError(f"a letter was refused: {self._house.refused}")

    async def _volunteer(self, chances: Chances) -> None:
        """Couriers look what there is in their building, and take something; two may want the same."""
        by_area: dict[str, list[str]] = defaultdict(list)
        for row in await self._house.sql(FREE):
            by_area[row["current_op"][:4]].append(row["id"])
        wishes = [
            self._house.ask("deliveries", AcceptDelivery(task_id=self._dice.choice(by_area[area])), one.caller)
            for one in self._world.couriers.values()
            if one.level == 1 and (area := one.prefixes[0][:4]) in by_area and one.id not in self._suspended
            and self._dice.random() < chances.volunteer
        ]  # fmt: skip
        await asyncio.gather(*wishes)

    async def _suspend(self, chances: Chances) -> None:
        await self._resume()
        for one in self._world.couriers.values():
            if one.level == 1 and one.id not in self._suspended and self._dice.random() < chances.suspend:
                assert one.parent is not None
                await self._house.ask("couriers", SuspendCourier(courier_id=one.id, reason="ill"), one.parent.caller)
                self._suspended[one.id] = self.steps + self._dice.randint(6, 144)

    async def _resume(self, *, everybody: bool = False) -> None:
        for who in [who for who, until in self._suspended.items() if everybody or until <= self.steps]:
            await self._house.ask("couriers", ResumeCourier(courier_id=who), ADMIN)
            del self._suspended[who]

    async def _act(self, courier: Courier, tasks: Sequence[Any], chances: Chances) -> None:
        for task in tasks:
            if self._dice.random() < (chances.act_slowly if courier.is_slow else chances.act):
                await self._carry(courier, task, chances)

    async def _carry(self, courier: Courier, task: Any, chances: Chances) -> None:
        """One thing that a courier does with what they hold."""
        status, is_out = task["status"], courier.id in self._suspended
        if status == "accepted":
            if is_out:
                return
            if self._dice.random() < chances.release or not courier.covers(task["current_op"]):
                await self._house.ask("deliveries", ReleaseDelivery(task_id=str(task["id"])), courier.caller)
            else:
                await self._scan(courier, task, "collect", task["current_op"], chances)
        elif is_out or not courier.covers(task["to_op"]):
            if status == "collected" and not is_out:
                await self._scan(courier, task, "transit", courier.place(), chances)
            await self._hand_over(courier, task, chances)
        elif self._dice.random() < chances.fail:
            await self._scan(courier, task, "fail", task["to_op"], chances)
        elif courier.level > 1 and self._dice.random() < chances.act / 2 and self._world.of_level(1, task["to_op"]):
            await self._hand_over(courier, task, chances)
        elif status == "collected":
            await self._send_batch(courier, task)
        else:
            await self._scan(courier, task, "deliver", task["to_op"], chances)

    async def _hand_over(self, courier: Courier, task: Any, chances: Chances) -> None:
        """To the next one on the way, who receives it, unless they come too late for that."""
        taker = self._next(courier, task["to_op"])
        if taker is None:
            return
        await self._scan(courier, task, "handover", courier.place(), chances, to=taker.id)
        if taker.id not in self._suspended and self._dice.random() < chances.act:
            await self._scan(taker, task, "receive", courier.place(), chances)

    def _next(self, courier: Courier, target: str) -> Courier | None:
        """Crossing areas goes through level 2, schools through level 3; inside an area it goes down to level 1."""
        if courier.covers(target) and courier.id not in self._suspended:
            below = self._world.of_level(courier.level - 1, target)
            return self._dice.choice(below) if below else None
        if courier.level == 1:
            return courier.parent
        if courier.level == 2 and courier.prefixes[0][:2] == target[:2]:
            return self._dice.choice(self._world.of_level(2, target))
        return courier.parent if courier.level == 2 else self._dice.choice(self._world.of_level(3, target))

    async def _scan(
        self, courier: Courier, task: Any, action: str, place: str, chances: Chances, to: str | None = None
    ) -> None:
        self._scans += 1
        scan = ScanLetter(
            code=task["code"], action=action, op_code=place, client_scan_id=f"s{self._scans}", to=to  # type: ignore[arg-type]
        )  # fmt: skip
        times = 2 if self._dice.random() < chances.repeat else 1
        await asyncio.gather(*(self._house.ask("deliveries", scan, courier.caller) for _ in range(times)))

    async def _send_batch(self, courier: Courier, task: Any) -> None:
        """Two scans that were made without network, out of order."""
        self._scans += 2
        at, entries = self._house.now, []
        for minutes, action in ((2, "transit"), (1, "deliver")):
            entries.append(
                ScanEntry(
                    code=task["code"].lower(), action=action, op_code=task["to_op"],  # type: ignore[arg-type]
                    client_scan_id=f"b{self._scans}{action}", scanned_at=at - timedelta(minutes=minutes),
                )
            )  # fmt: skip
        self._dice.shuffle(entries)
        await self._house.ask("deliveries", ScanLetters(scans=entries), courier.caller)
