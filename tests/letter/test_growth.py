"""What a letter costs does not grow with how many there are: every read of its way finds its rows by an index."""

import asyncio

from tests.letter.house import Post
from tests.notification.house import until
from tests.system.house import Person

LETTERS = 60
TABLES = ("letter_version", "letter_reads", "label", "courier_day", "timer")
"""Tables of a letter's way that the tests themselves do not read."""


async def test_a_house_that_began_empty_reads_by_index(post: Post, ada: Person, ben: Person, cat: Person) -> None:
    """Plans are made when there is next to nothing, and statistics say so; then letters come."""
    await post.sql("update courier set max_daily_tasks = 1000")
    for _ in range(8):  # a plan is kept from its sixth use on
        await post.get(ada, await post.draft(ada))
    await post.sql("analyze")

    async def carry() -> None:
        letter = await post.sealed(ada)
        await post.task(cat, letter, "accept")
        await post.scan(cat, letter, "collect")
        await post.get(ada, letter)

    for _ in range(LETTERS // 6):
        await asyncio.gather(*(carry() for _ in range(6)))

    async def is_told() -> bool:
        [row] = await post.sql("select idx_scan from pg_stat_user_tables where relname = 'letter_version'")
        return bool(row["idx_scan"] >= LETTERS)

    await until(is_told)
    read = await post.sql(
        "select relname, seq_tup_read from pg_stat_user_tables where relname = any ($1) and seq_tup_read > 0", TABLES
    )
    assert [tuple(row) for row in read] == []
