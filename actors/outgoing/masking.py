"""Keeps addresses out of logs, rows and lists: what a mail server says often repeats them."""

import re

_ADDRESS = re.compile(r"([^\s@<>\"'(),;:]{1,2})[^\s@<>\"'(),;:]*@([^\s@<>\"'(),;:]+)")
MOST_CHARACTERS = 500


def mask(text: str) -> str:
    """Return ``text`` on one line, cut to 500 characters, with two letters left of each address's local part."""
    return _ADDRESS.sub(r"\1***@\2", " ".join(text.split()))[:MOST_CHARACTERS]


def describe(error: BaseException) -> str:
    """Return what an error says, masked; its name where it says nothing."""
    return mask(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
