"""Where couriers have authority, what each level may do, and how codes are read. Rules that are no actor.

OP codes use all of ``A-Z0-9``: two characters name a school, four an area or building, six a point. Letter codes and
labels leave out what looks alike (``0 O I 1 L``).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from itertools import product
from typing import Literal, NamedTuple

from actors.errors import InvalidRequest

SCHOOL, AREA, POINT = 2, 4, 6
"""Characters of an OP code that name a school, an area, a point."""
Ability = Literal[
    "open_schools", "open_areas", "give_points", "make_labels", "see_performance", "assign", "take_handovers", "carry"
]


class Level(NamedTuple):
    """What a courier of a level is responsible for, and may do."""

    name: str
    territory: str
    shortest: int  # characters of a prefix
    longest: int
    most: int  # prefixes
    appoints: int | None  # exactly one level below
    may: frozenset[Ability]


_BUILDING: frozenset[Ability] = frozenset({"carry"})
_AREA: frozenset[Ability] = _BUILDING | frozenset[Ability]({"give_points", "assign", "take_handovers"})
_SCHOOL: frozenset[Ability] = _AREA | frozenset[Ability]({"open_areas", "make_labels", "see_performance"})
_CITY: frozenset[Ability] = _SCHOOL | frozenset[Ability]({"open_schools"})

LEVELS = {
    4: Level("city", "schools", 2, 2, 50, 3, _CITY),
    3: Level("school", "a school", 2, 2, 1, 2, _SCHOOL),
    2: Level("area", "areas or buildings of a school", 4, 4, 50, 1, _AREA),
    1: Level("building", "points of a building", 4, 6, 50, None, _BUILDING),
}
"""Who is above may, in their territory, whatever those below may."""

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Of letter codes and labels, and of points that the house chooses: nothing in it looks like something else."""

_GAPS = re.compile(r"[\s\u2010-\u2015\u2212_.-]+")
_ALIKE = {"O": "O0", "0": "0O", "I": "I1", "1": "1I"}


def covers(prefixes: Iterable[str], code: str) -> bool:
    """Whether one of the prefixes is a prefix of the code. No prefix, no authority; an empty one is none."""
    return any(prefix and code.startswith(prefix) for prefix in prefixes)


def covers_all(outer: Collection[str], inner: Collection[str]) -> bool:
    """Whether every inner prefix lies in the territory of the outer ones, and there is one."""
    return bool(inner) and all(covers(outer, prefix) for prefix in inner)


def may(level: int | None, ability: Ability) -> bool:
    """Whether couriers of a level may do that, in their territory. None: no courier."""
    return level is not None and ability in LEVELS[level].may


def masked(code: str) -> str:
    """An OP code as strangers see it: ``PK5F**``."""
    return f"{code[:4]}{'*' * (len(code) - 4)}"


def normalise(text: str, lengths: Collection[int] = (6,), path: str = "$") -> str:
    """Read an OP code or a prefix of one: lower case, spaces and dashes are accepted.

    Raises:
        InvalidRequest: other characters, or a length that is not among ``lengths``.
    """
    code = _compact(text)
    if not re.fullmatch("[A-Z0-9]+", code):
        raise InvalidRequest("an OP code has letters A-Z and digits only", path)
    if len(code) not in lengths:
        raise InvalidRequest(f"expected {_either(lengths)} characters, these are {len(code)}", path)
    return code


def lookalikes(code: str) -> list[str]:
    """What an OP code may have been meant to be, where O and 0, or I and 1, were taken for each other."""
    variants = ("".join(signs) for signs in product(*(_ALIKE.get(sign, sign) for sign in code)))
    return [variant for variant in variants if variant != code]


def normalise_letter_code(text: str, path: str = "$") -> str:
    """Read the code of a letter (``OP`` and 10). Raises `InvalidRequest`, with a hint where a sign cannot be right."""
    return _printed(text, "a letter code", (12,), path)


def normalise_label(text: str, path: str = "$") -> str:
    """Read a label (``OP`` and 6). Raises `InvalidRequest`, with a hint where a sign cannot be right."""
    return _printed(text, "a label", (8,), path)


def normalise_printed(text: str, path: str = "$") -> str:
    """Read what a scanner or a person took off an envelope: a letter code (12) or a label (8). Raises as those do."""
    return _printed(text, "a code on an envelope", (8, 12), path)


def check_prefixes(level: int, prefixes: Sequence[str], path: str = "$.prefixes") -> tuple[str, ...]:
    """Read the prefixes of a courier's territory, each named once, in order.

    Raises:
        InvalidRequest: none at all, too many, of a length that is not the level's, or (below level 3) of several
            schools; at level 1 of several buildings.
    """
    rule = LEVELS[level]
    lengths = range(rule.shortest, rule.longest + 1)
    read = sorted({normalise(text, lengths, f"{path}[{i}]") for i, text in enumerate(prefixes)})
    if not read:
        raise InvalidRequest("a courier needs a territory: name a prefix", path)
    if len(read) > rule.most:
        raise InvalidRequest(f"at level {level} there may be {rule.most} at most", path)
    together = {3: 2, 2: 2, 1: 4}.get(level, 0)
    if len({prefix[:together] for prefix in read}) > 1:
        raise InvalidRequest(f"these are of several {'schools' if together == 2 else 'buildings'}", path)
    return tuple(prefix for prefix in read if not covers(set(read) - {prefix}, prefix))


def _printed(text: str, what: str, lengths: Collection[int], path: str) -> str:
    code = _compact(text)
    if code.startswith("0P"):  # every such code begins with OP
        code = f"O{code[1:]}"
    wrong = [(place, sign) for place, sign in enumerate(code, 1) if place > 2 and sign not in ALPHABET]
    if not code.startswith("OP") or len(code) not in lengths:
        raise InvalidRequest(f"{what} is OP and {_either(length - 2 for length in lengths)} more characters", path)
    if wrong:
        place, sign = wrong[0]
        raise InvalidRequest(
            f"{what} has no 0, O, 1, I or L after OP: look at character {place} again, it was read as {sign}", path
        )
    return code


def _compact(text: str) -> str:
    return _GAPS.sub("", unicodedata.normalize("NFKC", text)).upper()


def _either(numbers: Iterable[int]) -> str:
    return " or ".join(str(number) for number in numbers)
