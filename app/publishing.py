"""Hands committed events to everybody in this process who listens."""

from collections.abc import Callable, Sequence

from actors.runtime.ports import Stored

Listener = Callable[[Sequence[Stored]], None]


class Publishing:
    """Implements `actors.runtime.ports.Publisher`; listeners hear in the order in which they were added."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """Listen from now on. The listener must not block or raise."""
        self._listeners.append(listener)

    def publish(self, events: Sequence[Stored]) -> None:
        """Pass committed events on."""
        for listener in self._listeners:
            listener(events)
