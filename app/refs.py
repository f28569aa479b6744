"""Addresses of actors for those who are made before the system that holds them."""

from actors.runtime.actor import Ref
from actors.runtime.system import System


class Refs:
    """Callable as ``refs(kind, key)`` once ``system`` is set: behaviours keep it, and use it in their turns."""

    system: System

    def __call__(self, kind: str, key: str = "") -> Ref:
        """Return an actor's address. Raises KeyError: no such kind."""
        return self.system.ref(kind, key)
