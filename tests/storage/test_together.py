"""One fenced statement for a batch of a shared noun."""

import pytest

from storage.errors import Fenced, IntegrityViolation
from storage.house import House
from storage.journal import Journal
from tests.storage.things import TOGETHER, Taken, ask, insert, new_id


async def test_a_batch_is_one_transaction_and_its_rows_come_back(journal: Journal, dsn: str) -> None:
    ids = [new_id() for _ in range(50)]

    rows = await journal.commit_together(statement=TOGETHER, args=(ids, ids))

    assert {row["id"] for row in rows} == set(ids)
    found = await ask(dsn, "select count(distinct xmin::text) as transactions, count(*) as events from event")
    assert tuple(found[0]) == (1, 50)


async def test_batches_keep_seq_in_the_order_of_commit(journal: Journal, dsn: str) -> None:
    for name in "abc":
        await journal.commit_together(statement=TOGETHER, args=([new_id()], [name]))

    rows = await ask(dsn, "select t.name from event e join thing t on e.stream = 'thing:' || t.id order by e.seq")
    assert [row["name"] for row in rows] == ["a", "b", "c"]


async def test_a_violated_constraint_is_named_and_nothing_is_changed(journal: Journal, dsn: str) -> None:
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["a"]))

    with pytest.raises(IntegrityViolation) as caught:
        await journal.commit_together(statement=TOGETHER, args=([new_id(), new_id()], ["b", "a"]))

    assert caught.value.constraint == "thing_name_key"
    assert len(await ask(dsn, "select 1 from thing")) == 1
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["b"]))


async def test_what_follows_is_part_of_the_transaction(journal: Journal, dsn: str) -> None:
    first, second = new_id(), new_id()
    await journal.commit_together(
        statement=TOGETHER, args=([first], ["a"]), follow=lambda rows: [insert(f"after {rows[0]['id']}")]
    )
    assert len(await ask(dsn, "select 1 from thing")) == 2

    with pytest.raises(Taken):
        await journal.commit_together(statement=TOGETHER, args=([second], ["b"]), follow=lambda _: [insert("a")])
    assert len(await ask(dsn, "select 1 from thing")) == 2
    assert len(await ask(dsn, "select 1 from event")) == 1


async def test_a_follow_that_breaks_changes_nothing_and_leaves_the_lane_whole(journal: Journal, dsn: str) -> None:
    with pytest.raises(ZeroDivisionError):
        await journal.commit_together(statement=TOGETHER, args=([new_id()], ["a"]), follow=lambda _: [1 / 0])  # type: ignore[list-item]

    assert await ask(dsn, "select 1 from thing") == []
    await journal.commit_together(statement=TOGETHER, args=([new_id()], ["a"]))


@pytest.mark.parametrize("follow", [None, lambda _: []], ids=["alone", "followed"])
async def test_a_fenced_house_commits_no_batch(journal: Journal, dsn: str, house: House, follow: None) -> None:
    await ask(dsn, "update house set alive = false where incarnation = $1", house.incarnation)

    with pytest.raises(Fenced):
        await journal.commit_together(statement=TOGETHER, args=([new_id()], ["zombie"]), follow=follow)
    assert await ask(dsn, "select 1 from thing union all select 1 from event") == []
