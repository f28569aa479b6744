"""Takes partitions over, keeps them, and hands them over: one house's part in it, decided from what the tables say."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from actors.runtime.placement.partitions import PARTITIONS
from actors.runtime.placement.rendezvous import share
from actors.runtime.ports import Holder, HouseSeen, Lease, PartitionSeen, PlacementRows

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
GUARD_SECONDS = 0.25  # within the lease's margin several times
WELL_SECONDS = 3.0  # a house that had lost sight of the database does not judge others before
STEADY_SECONDS = 2.0  # nothing is handed over while houses come and go
SHARE_MOVED = 0.1  # of all partitions, in one step
FINISH_SECONDS = 15.0  # for turns under way: a COMMIT may take 9 s, and finding out about it 5; then nobody writes
LEAVE_SECONDS = 5.0  # the same for a house that stops, of the 10 s that it has
POLL_SECONDS = 0.01
DEAF_SECONDS = 6.0  # more than the age of what healthy houses say of themselves
JOINS, JOINS_SECONDS = 3, 60.0  # a house that starts so often gets no partitions of living houses


class Placement:
    """See the module. One per house; it needs no other house to agree, only the rows.

    * A partition has at most one owner in an epoch. Only what is nobody's is claimed.
    * A house whose lease has run out is buried by whoever sees it first; what it owned is then nobody's.
    * Everybody owns what rendezvous hashing gives it. When houses come or go in order, at most a tenth of all
      partitions moves in one step (a second); what the dead have left is taken at once.
    * A house that cannot be sure of its lease gives everything up before it ends, and takes it up again when it is
      sure, unless it was buried meanwhile.
    * A house counts for others from its first look, and before it for as long as its earlier life would have: who
      starts slowly keeps nothing from those who can serve, and who starts quickly gets back what it had.
    * A house that cannot reach what carries mail hands everything over, if another can. While nobody can, nobody does.
    """

    def __init__(self, rows: PlacementRows, lease: Lease, holder: Holder, *, partitions: int = PARTITIONS) -> None:
        self._rows, self._lease, self._holder = rows, lease, holder
        self._partitions = partitions
        self._owned: dict[int, int] = {}  # number -> epoch
        self._closing: dict[int, int] = {}
        self._living: tuple[int, ...] = ()  # houses that count, when this one looked last
        self._others: list[int] = []  # incarnations of the other houses
        self._changed_at = float("-inf")
        self._well_since: float | None = None
        self._starts: dict[int, deque[tuple[int, float]]] = {}  # house -> (incarnation, when it was first seen)
        self._woken = asyncio.Event()
        self._looked = asyncio.Event()
        self._hand_over: asyncio.Task[None] | None = None
        self._has_joined = False
        self._is_leaving = False
        self.taken_over = 0  # partitions of houses that had died
        self.handed_over = 0
        self.longest_hand_over_seconds = 0.0
        self.buried = 0
        self.lapses = 0

    @property
    def owned(self) -> Mapping[int, int]:
        """What this house owns and is not giving up: number -> epoch."""
        return self._owned

    @property
    def living(self) -> Sequence[int]:
        """The houses that share the partitions, as this one saw last: those that leave do not count."""
        return self._living

    @property
    def has_neighbours(self) -> bool:
        """Whether another house would take over what this one gives up."""
        return any(house != self._lease.id for house in self._living)

    @property
    def has_looked(self) -> bool:
        """Whether it has found out who owns what, and still may own anything itself."""
        return self._looked.is_set() and self._lease.is_held() and not self._is_out

    @property
    def _is_out(self) -> bool:
        """Whether this house counts for nothing, in its own eyes: nobody could reach what it owns."""
        return bool(self._living) and self._lease.id not in self._living

    def wake(self) -> None:
        """Look now: somebody says that partitions have moved."""
        self._woken.set()

    async def run(self) -> None:
        """Guard, and look every second or when woken, until cancelled."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            if self._guard() and (self._woken.is_set() or loop.time() >= look_at):
                self._woken.clear()
                look_at = loop.time() + LOOK_SECONDS
                try:
                    await self._look()
                except OSError as error:
                    log.warning("placement_paused", extra={"reason": str(error) or type(error).__name__})
            await self._pause(min(GUARD_SECONDS, max(POLL_SECONDS, look_at - loop.time())))

    async def leave(self) -> None:
        """Hand everything over, and return when nothing is left here, or after 5 s.

        Where a turn is still under way then, its partition is this house's until its row says that it has stopped.
        """
        self._is_leaving = True
        if not self._lease.is_held():
            return
        if self._hand_over is not None:
            await asyncio.wait([self._hand_over], timeout=LEAVE_SECONDS)
        try:
            await self._rows.leave()
        except OSError as error:
            log.warning("placement_left_alone", extra={"reason": str(error) or type(error).__name__})
        self._tell_moved()
        await self._give_up(dict(self._owned), LEAVE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        if self._woken.is_set() and not self._lease.is_held():
            await asyncio.sleep(seconds)  # a hint is of no use now
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _guard(self) -> bool:
        """Give everything up when the lease may end soon; return whether it is held."""
        now = asyncio.get_running_loop().time()
        if self._lease.is_held():
            if self._well_since is None:
                self._well_since = now
            return True
        if self._owned or self._closing:
            self.lapses += 1
            log.error("partitions_given_up", extra={"partitions": len(self._owned) + len(self._closing)})
            self._holder.drop([*self._owned, *self._closing])
            self._owned.clear()
            self._closing.clear()
        self._well_since = None
        return False

    async def _look(self) -> None:
        if not self._has_joined:
            await self._rows.join()
            self._has_joined = True
        houses = await self._rows.list_houses()
        for dead in await self._bury(houses):
            houses = [house for house in houses if house.incarnation != dead]
        partitions = await self._rows.list_partitions()
        if not self._lease.is_held():
            return
        living = self._see(houses)
        wanted = share(self._partitions, living)
        self._compare(partitions)
        await self._claim(partitions, wanted)
        self._looked.set()
        self._move(wanted)

    async def _bury(self, houses: Sequence[HouseSeen]) -> list[int]:
        """Declare dead whose lease has run out, and return them.

        Not so soon after this house could not renew its own: then the database was away for all, and they need a
        moment to come back.
        """
        now, dead = asyncio.get_running_loop().time(), []
        if self._well_since is None or now < self._well_since + WELL_SECONDS:
            return []
        for house in houses:
            is_other = house.incarnation != self._lease.incarnation
            if house.is_expired and is_other and await self._rows.bury(house.incarnation):
                self.buried += 1
                log.warning("house_buried", extra={"dead": house.id, "incarnation": house.incarnation})
                self._tell_moved()
                dead.append(house.incarnation)
        return dead

    def _see(self, houses: Sequence[HouseSeen]) -> tuple[int, ...]:
        """Note who counts: houses that live, serve, stay, and hear. This one does, whatever its row says."""
        now, mine = asyncio.get_running_loop().time(), self._lease.incarnation
        serving = [one for one in houses if one.incarnation == mine or (one.is_counted and not one.is_expired)]
        counting = sorted(self._hearing([house for house in serving if not house.is_leaving]))
        self._others = [house.incarnation for house in houses if house.incarnation != mine]
        for house in houses:
            starts = self._starts.setdefault(house.id, deque(maxlen=JOINS))
            if not starts or starts[-1][0] != house.incarnation:
                starts.append((house.incarnation, now))
        living = tuple(counting)
        if living != self._living:
            self._living, self._changed_at = living, now
        return living

    def _hearing(self, houses: Sequence[HouseSeen]) -> list[int]:
        """Leave out who has reached nothing that carries mail for much longer than another has.

        Who has not listened yet is no measure for others. This house leaves itself out only if it has tried in vain
        since another has not: it may have stood still.
        """
        failed = self._holder.failed_seconds_ago()
        ago = {one.id: one.heard_seconds_ago for one in houses if one.heard_seconds_ago is not None}
        deaf = {house for house, seconds in ago.items() if seconds > min(ago.values()) + DEAF_SECONDS}
        mine = self._lease.id
        if failed is None or not any(failed < seconds < ago.get(mine, 0) - DEAF_SECONDS for seconds in ago.values()):
            deaf.discard(mine)
        return [house.id for house in houses if house.id not in deaf]

    def _is_flapping(self, house: int | None) -> bool:
        starts = self._starts.get(house or 0, deque())
        now = asyncio.get_running_loop().time()
        return len(starts) == JOINS and starts[0][1] > now - JOINS_SECONDS

    def _compare(self, partitions: Sequence[PartitionSeen]) -> None:
        """Give up what the rows say is another's: this house is wrong, whatever the reason."""
        lost = [
            seen.number
            for seen in partitions
            if self._owned.get(seen.number, seen.epoch) < seen.epoch
            or self._closing.get(seen.number, seen.epoch) < seen.epoch
        ]
        if lost:
            log.error("partitions_lost", extra={"partitions": lost})
            self._holder.drop(lost)
            for number in lost:
                self._owned.pop(number, None)
                self._closing.pop(number, None)

    async def _claim(self, partitions: Sequence[PartitionSeen], wanted: Mapping[int, int | None]) -> None:
        """Take what is nobody's and should be this house's; and what is this house's, but not at work here."""
        if self._is_leaving:
            return
        mine, lease = [], self._lease
        for seen in partitions:
            if seen.number in self._owned or seen.number in self._closing:
                continue
            is_own = seen.incarnation == lease.incarnation
            if is_own or (seen.incarnation is None and wanted[seen.number] == lease.id):
                mine.append(seen.number)
        if not mine:
            return
        epochs = await self._rows.claim(mine)
        if self._is_leaving:
            await self._rows.release(epochs)
        elif self._lease.is_held():
            before = {seen.number: seen.epoch for seen in partitions}
            self.taken_over += sum(1 for number in epochs if before[number])
            self._owned.update(epochs)
            self._holder.open(epochs)
            log.info("partitions_claimed", extra={"partitions": len(epochs), "owned": len(self._owned)})

    def _move(self, wanted: Mapping[int, int | None]) -> None:
        """Begin to hand over what should be another's: a step at a time, and only while houses neither come nor go.

        Nor while what carries mail is away: nobody would serve what moves until it is back. But a house that counts for
        nothing hands over everything at once.
        """
        now, is_out = asyncio.get_running_loop().time(), self._is_out
        is_away = self._holder.failed_seconds_ago() is not None
        is_steady = is_out or (now >= self._changed_at + STEADY_SECONDS and not is_away)
        if self._is_leaving or not is_steady or (self._hand_over is not None and not self._hand_over.done()):
            return
        most = self._partitions if is_out else max(1, int(self._partitions * SHARE_MOVED))
        foreign = [
            number
            for number in sorted(self._owned)
            if wanted[number] not in {self._lease.id, None} and (is_out or not self._is_flapping(wanted[number]))
        ]
        if foreign:
            moving = {number: self._owned[number] for number in foreign[:most]}
            self._hand_over = asyncio.create_task(self._hand_over_all(moving), name="hand-over")

    async def _hand_over_all(self, moving: Mapping[int, int]) -> None:
        """Hand partitions over; what is still not at an end after 15 s goes, too: it writes nothing any more."""
        if late := await self._give_up(moving, FINISH_SECONDS):
            log.error("turns_outlived_their_partitions", extra={"partitions": list(late)})
            await self._release(late)

    async def _give_up(self, moving: Mapping[int, int], finish_seconds: float) -> Mapping[int, int]:
        """Close partitions, and release each as soon as nothing of it is under way; return what then still is."""
        loop = asyncio.get_running_loop()
        began, left = loop.time(), dict(moving)
        for number, epoch in moving.items():
            self._owned.pop(number, None)
            self._closing[number] = epoch
        self._holder.close(list(moving))
        while left:
            closed = {number: epoch for number, epoch in left.items() if self._holder.is_closed(number)}
            if closed:
                await self._release(closed)
            left = {number: epoch for number, epoch in left.items() if number not in closed}
            if not left or loop.time() >= began + finish_seconds:
                break
            await asyncio.sleep(POLL_SECONDS)
        self.handed_over += len(moving) - len(left)
        self.longest_hand_over_seconds = max(self.longest_hand_over_seconds, loop.time() - began)
        return left

    async def _release(self, closed: Mapping[int, int]) -> None:
        """Let partitions go. When nobody knows whether the rows say so, the next look takes them up again."""
        still = {number: epoch for number, epoch in closed.items() if self._closing.get(number) == epoch}
        self._holder.drop(list(still))
        try:
            await self._rows.release(still)
            self._tell_moved()
        except OSError as error:
            log.warning("partitions_not_released", extra={"reason": str(error) or type(error).__name__})
        for number, epoch in still.items():
            if self._closing.get(number) == epoch:
                del self._closing[number]

    def _tell_moved(self) -> None:
        self._holder.tell_moved(self._others)

    def figures(self) -> dict[str, Any]:
        """For those who watch the house."""
        return {
            "owned": len(self._owned), "closing": len(self._closing), "living": len(self._living),
            "taken_over": self.taken_over, "handed_over": self.handed_over, "buried": self.buried,
            "longest_hand_over_seconds": round(self.longest_hand_over_seconds, 3), "lapses": self.lapses,
        }  # fmt: skip
