"""Text with gaps, such as ``{"to": "{to}"}``: each gap is filled once, and what fills it is data, whatever it says."""

import re
from collections.abc import Callable, Mapping

import msgspec

_GAP = re.compile(r"\{([a-z_]+)\}")


class Template:
    """A gap is a word in braces. Braces around anything else stand for themselves."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.names = frozenset(_GAP.findall(text))

    def fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """Fill every gap. Raises KeyError: there is no such value."""
        return _GAP.sub(lambda gap: escape(values[gap[1]]), self._text)


def escape_json(text: str) -> str:
    """Make text fit between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1].decode()


def escape_header(text: str) -> str:
    """Leave out what would end a header's line."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)
