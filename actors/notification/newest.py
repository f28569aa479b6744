"""How far each task has come, as people's screens were told: houses may deliver what happened to it out of order."""

from collections import OrderedDict

MOST = 10_000


class Newest:
    """Remembers the tasks that were told of last. One that is forgotten may be told of a step back, for a moment."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, int] = OrderedDict()  # stream of the task -> n of its newest event

    def is_news(self, source: str) -> bool:
        """Whether nothing later was told of the same stream; ``source`` is ``<stream>:<n>``, and is told now if so."""
        stream, _, n = source.rpartition(":")
        if not n.isdigit():
            return True
        if int(n) < self._told.get(stream, 0):
            return False
        self._told[stream] = int(n)
        self._told.move_to_end(stream)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        return True
