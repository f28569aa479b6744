"""How often the house looks for what time makes due."""

from collections.abc import Iterable

from actors.runtime.looks import SELDOM_SECONDS, Looks
from app.config import Config
from storage.journal import Journal


def is_alone(config: Config) -> bool:
    """Whether nobody else writes to the database: what becomes due is known here, and nobody takes over."""
    return config.mailbox.transport == "memory"


def looks_of(config: Config, soon_seconds: float) -> Looks:
    """Looks every ``soon_seconds``; where the house is alone seldom, while it commits nothing (`follow_commits`)."""
    return Looks(soon_seconds, SELDOM_SECONDS if is_alone(config) else None)


def follow_commits(config: Config, journal: Journal, looks: Iterable[Looks]) -> None:
    """Let a house that is alone look again at what time makes due once it has written anything."""
    if is_alone(config):
        for one in looks:
            journal.listen(one.stir)
