"""What a message is found by: the words are Python's, whether they fit is told by PostgreSQL itself."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from actors.chat.words import MOST_CHARACTERS, query_of, words_of
from storage.postgres import Database
from storage.queries import Statement

FITS = Statement("fits", "select $1::text::tsvector @@ $2::text::tsquery", "value")
Finds = Callable[[str, str], Awaitable[bool]]


@pytest.fixture
async def finds(postgres_dsn: str) -> AsyncIterator[Finds]:
    database = await Database.open(postgres_dsn, "test")

    async def ask(text: str, q: str) -> bool:
        query = query_of(q, "a")
        return query is not None and bool(await database.fetchval(FITS, words_of(text, "a"), query))

    yield ask
    await database.close()


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("Hello, World!", "world HELLO"),
        ("Hello, World!", "wor"),
        ("see snake_case", "case"),
        ("Grüße aus Köln", "GRÜSSE"),
        ("\uff46\uff55\uff4c\uff4c width", "full"),
        ("it's Bob's \\ 'quoted' & | ! : *", "bob quoted"),
        ("我在北京大学学习", "北京大学"),
        ("我在北京大学学习", "京"),
        ("meet at 北京 gate 4", "gate 北京"),
        ("안녕하세요 여러분", "녕하"),
        ("x" * 5_000, "x" * 4_000),
    ],
)
async def test_a_message_is_found_by_its_words_and_the_beginning_of_one(finds: Finds, text: str, q: str) -> None:
    assert await finds(text, q)


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("Hello, World!", "hello there"),
        ("Hello, World!", "hell world"),  # only the last word may be a beginning
        ("北京", "京北"),
        ("anything", "!!! ..."),
        ("chat a", "@b"),
        ("", "a"),
    ],
)
async def test_a_message_without_one_of_the_words_is_not_found(finds: Finds, text: str, q: str) -> None:
    assert not await finds(text, q)


async def test_a_search_in_one_chat_finds_nothing_of_another(finds: Finds) -> None:
    assert await finds("hello", "hello")
    assert query_of("hello", "b") != query_of("hello", "a")
    assert "'@b'" in words_of("hello", "b")


def test_no_text_can_pretend_to_be_of_another_chat() -> None:
    assert words_of("'@b' @b", "a").count("@") == 1


@pytest.mark.parametrize("begun", ["c", "chat", "a", "0", "x"])
async def test_what_a_message_is_marked_with_is_not_the_beginning_of_a_word(finds: Finds, begun: str) -> None:
    assert not await finds("hello", begun)


def test_words_are_cut_alike_on_both_sides() -> None:
    assert query_of("y" * 1_000) == f"'{'y' * MOST_CHARACTERS}':*"
