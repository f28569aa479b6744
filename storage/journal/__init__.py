"""Group commit: `Journal` executes what turns decided, `Write` is one row of it."""

from storage.errors import DuplicateTurn
from storage.journal.journal import Journal
from storage.write import Write

__all__ = ["DuplicateTurn", "Journal", "Write"]
