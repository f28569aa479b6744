"""Territories, and codes as people type them."""

import pytest

from actors.authority import (
    LEVELS,
    check_prefixes,
    covers,
    covers_all,
    lookalikes,
    masked,
    may,
    normalise,
    normalise_label,
    normalise_letter_code,
    normalise_printed,
)
from actors.errors import InvalidRequest


@pytest.mark.parametrize(
    ("prefixes", "code", "has"),
    [
        (["PK"], "PK5F3D", True),
        (["PK5F"], "PK5F3D", True),
        (["PK5F3D"], "PK5F3D", True),
        (["AB", "PK5"], "PK5F3D", True),
        (["PK5G"], "PK5F3D", False),
        (["PK5F3D"], "PK5F", False),
        ([], "PK5F3D", False),
        ([""], "PK5F3D", False),
    ],
)
def test_authority_is_a_prefix_and_no_prefix_is_no_authority(prefixes: list[str], code: str, has: bool) -> None:  # noqa: FBT001
    assert covers(prefixes, code) is has


def test_a_territory_lies_in_another_only_whole() -> None:
    assert covers_all(["PK"], ["PK5F", "PK6A"])
    assert not covers_all(["PK5F"], ["PK5F", "PK6A"])
    assert not covers_all(["PK"], [])


@pytest.mark.parametrize(
    "text", ["pk5f3d", " PK 5F 3D ", "PK-5F-3D", "pk\u20135f\u20133d", "\uff30\uff2b5F3D", "PK_5F.3D"]
)
def test_a_code_is_read_however_it_is_typed(text: str) -> None:
    assert normalise(text) == "PK5F3D"


@pytest.mark.parametrize("text", ["", "PK5F", "PK5F3D7", "PK5F3\u00c4", "PK5F3/", "******"])
def test_what_is_no_op_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        normalise(text)


def test_a_code_that_looks_like_others_names_them() -> None:
    assert set(lookalikes("PKO1")) == {"PK01", "PKOI", "PK0I"}
    assert lookalikes("PK5F") == []


def test_strangers_see_no_point() -> None:
    assert masked("PK5F3D") == "PK5F**"
    assert masked("PK5F") == "PK5F"


def test_letter_codes_and_labels_are_read_alike() -> None:
    assert normalise_letter_code("op7x 2k9m-4wqz") == "OP7X2K9M4WQZ"
    assert normalise_letter_code("0p7x2k9m4wqz") == "OP7X2K9M4WQZ"
    assert normalise_label("OP-7X2K9M") == "OP7X2K9M"
    assert normalise_printed("op7x2k9m") == "OP7X2K9M"


@pytest.mark.parametrize(("text", "place"), [("OP7X2K9M4W0Z", "11"), ("OPOX2K9M4WQZ", "3"), ("OP7X2K9M4WQ1", "12")])
def test_a_sign_that_no_letter_code_has_is_pointed_at(text: str, place: str) -> None:
    with pytest.raises(InvalidRequest, match=f"character {place} again"):
        normalise_letter_code(text)


@pytest.mark.parametrize("text", ["", "OP", "XX7X2K9M4WQZ", "OP7X2K9M4WQ", "OP7X2K9\u00d6", "OP7X2K9M"])
def test_what_is_no_letter_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        normalise_letter_code(text)


@pytest.mark.parametrize(
    ("level", "prefixes", "read"),
    [
        (4, ["pk", "AB"], ("AB", "PK")),
        (3, ["PK"], ("PK",)),
        (2, ["PK5F", "PK6A", "pk 5f"], ("PK5F", "PK6A")),
        (1, ["PK5F3", "PK5F4D", "PK5F3A"], ("PK5F3", "PK5F4D")),
    ],
)
def test_a_territory_is_read(level: int, prefixes: list[str], read: tuple[str, ...]) -> None:
    assert check_prefixes(level, prefixes) == read


@pytest.mark.parametrize(
    ("level", "prefixes"),
    [
        (1, []), (1, [""]), (1, ["  "]), (1, ["PK"]), (1, ["PK5F3D7"]), (1, ["PK5F", "PK6A"]), (2, ["PK"]),
        (2, ["PK5F3D"]), (2, ["PK5F", "AB5F"]), (3, ["PK", "AB"]), (3, ["PK5F"]), (4, ["PK5F"]),
    ],
)  # fmt: skip
def test_a_territory_that_is_not_the_levels_is_refused(level: int, prefixes: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        check_prefixes(level, prefixes)


def test_who_is_above_may_what_those_below_may() -> None:
    assert all(LEVELS[level - 1].may <= LEVELS[level].may for level in (2, 3, 4))
    assert [LEVELS[level].appoints for level in (4, 3, 2, 1)] == [3, 2, 1, None]
    assert [may(level, "give_points") for level in (None, 1, 2, 3, 4)] == [False, False, True, True, True]
    assert [may(level, "make_labels") for level in (None, 1, 2, 3, 4)] == [False, False, False, True, True]
    assert [may(level, "open_schools") for level in (None, 1, 2, 3, 4)] == [False, False, False, False, True]
