"""When to look again at rows that time makes due: as seldom as nothing is missed."""

import asyncio

SELDOM_SECONDS = 30.0
"""Between looks while nothing is written and nothing is due: for what was changed behind the house's back."""


class Looks:
    """Paces one loop: `begin`, look, `pause`, again and again.

    A pause ends when the next thing is due that the look knew of, ``soon_seconds`` after the look began if anything was
    written since (`stir`), at once after `wake`, and after ``most_seconds`` whatever happens. Where ``most_seconds`` is
    not given it is ``soon_seconds``: so it must be where others write, too, of whom this process does not hear.
    """

    def __init__(self, soon_seconds: float, most_seconds: float | None = None) -> None:
        self.soon_seconds = soon_seconds
        self.most_seconds = soon_seconds if most_seconds is None else max(soon_seconds, most_seconds)
        self._changed = asyncio.Event()
        self._is_stirred = self._is_woken = False
        self._began = 0.0  # on the loop's clock

    def stir(self) -> None:
        """Something was written; whether it is due at all, the next look will tell."""
        if not self._is_stirred:
            self._is_stirred = True
            self._changed.set()

    def wake(self) -> None:
        """Look now."""
        self._is_woken = True
        self._changed.set()

    def begin(self) -> None:
        """Say that a look begins: it may miss what is written from now on."""
        self._is_stirred = self._is_woken = False
        self._began = asyncio.get_running_loop().time()

    async def pause(self, due_seconds: float | None) -> None:
        """Wait until the next look; ``due_seconds`` is what is known: how long nothing is due. None: ever."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + (self.most_seconds if due_seconds is None else min(self.most_seconds, due_seconds))
        while not self._is_woken:
            self._changed.clear()
            soon_at = self._began + self.soon_seconds if self._is_stirred else ends_at
            left = min(ends_at, soon_at) - loop.time()
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return
