"""A network namespace with three cables: to clients, to PostgreSQL, to Redis. Each can be pulled. Linux, and root."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

CABLES = ("clients", "postgres", "redis")
NOBODY = "02:00:00:00:00:01"  # an address that no interface has


def ip(*words: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def is_allowed() -> bool:
    """Whether namespaces can be made here."""
    name = f"ph-try-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


class Network:
    """The namespace. Each cable is a pair of interfaces with addresses of its own: ``here`` and ``there``."""

    def __init__(self, number: int) -> None:
        self.name = f"posthouse-{number}"
        self._number = number

    def here(self, cable: str) -> str:
        """The address at the end outside the namespace."""
        return f"10.231.{self._subnet(cable)}.1"

    def there(self, cable: str) -> str:
        """The address at the end inside the namespace."""
        return f"10.231.{self._subnet(cable)}.2"

    def make(self) -> None:
        """Make it, with every cable plugged in."""
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        for cable in CABLES:
            outside, inside = self._interface(cable), f"{self._interface(cable)}i"
            ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", self.name)
            ip("address", "add", f"{self.here(cable)}/24", "dev", outside)
            ip("-n", self.name, "address", "add", f"{self.there(cable)}/24", "dev", inside)
            ip("-n", self.name, "link", "set", inside, "up")
            ip("link", "set", outside, "up")

    def remove(self) -> None:
        """Take everything away; the cables go with the namespace."""
        ip("netns", "del", self.name)

    @contextmanager
    def cut(self, *cables: str) -> Iterator[None]:
        """Pull cables: what is sent vanishes, and nobody is told."""
        for cable in cables:
            ip("link", "set", self._interface(cable), "down")
        try:
            yield
        finally:
            for cable in cables:
                ip("link", "set", self._interface(cable), "up")

    def connects(self, host: str, port: int) -> bool:
        """Whether somebody in the namespace can connect, within a second."""
        code = f"import socket; socket.create_connection(({host!r}, {port}), timeout=1)"
        words = ["ip", "netns", "exec", self.name, sys.executable, "-c", code]
        return not subprocess.run(words, check=False, capture_output=True).returncode

    @contextmanager
    def mute(self, cable: str, *, inside: bool) -> Iterator[None]:
        """Let what one end of a cable sends vanish, while it hears the other: ``inside``, the end in the namespace."""
        where = ["-n", self.name] if inside else []
        device = f"{self._interface(cable)}i" if inside else self._interface(cable)
        other = self.here(cable) if inside else self.there(cable)
        ip(*where, "neighbour", "replace", other, "lladdr", NOBODY, "dev", device, "nud", "permanent")
        try:
            yield
        finally:
            ip(*where, "neighbour", "delete", other, "dev", device)

    def _interface(self, cable: str) -> str:
        return f"ph{self._number}{cable[0]}"

    def _subnet(self, cable: str) -> int:
        return (self._number * len(CABLES) + CABLES.index(cable)) % 255


@contextmanager
def network() -> Iterator[Network]:
    """A namespace that is gone at the end."""
    made = Network(os.getpid() % 80)
    made.make()
    try:
        yield made
    finally:
        made.remove()
