"""Who owned which partition when, and who wrote into it: the database itself takes notes."""

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime

import asyncpg

from actors.runtime.placement import partition_of
from tests.running import RunningHouse

KINDS = {"account": "account", "user": "inbox", "chat": "chat"}  # noun of an owned stream -> kind of its entity

TAKE_NOTES = """
create table note_owner as select number, incarnation, epoch, clock_timestamp() as at from partition;
create table note_write (stream text, n bigint, incarnation bigint, at timestamptz);
create function note_owner() returns trigger language plpgsql as $$ begin
    insert into note_owner values (new.number, new.incarnation, new.epoch, clock_timestamp());
    return null;
end $$;
create function note_write() returns trigger language plpgsql as $$ begin
    insert into note_write
    values (new.stream, new.n, current_setting('posthouse.incarnation')::bigint, clock_timestamp());
    return null;
end $$;
create trigger note_owner after update on partition for each row execute function note_owner();
create trigger note_write after insert on event for each row
when (new.n > 1 and split_part(new.stream, ':', 1) in ('account', 'user', 'chat')) execute function note_write();
"""
OWNERS = "select number, incarnation, epoch, at from note_owner order by number, at, epoch"
WRITES = "select stream, n, incarnation, at from note_write order by stream, n"


async def take_notes(house: RunningHouse) -> None:
    """Begin. What opens a stream (n = 1) is not noted: anybody may."""
    connection = await asyncpg.connect(house.operator.dsn)
    try:
        await connection.execute(TAKE_NOTES)
    finally:
        await connection.close()


async def writes_of_strangers(house: RunningHouse) -> tuple[list[str], int]:
    """Events that a house wrote into a partition which it did not own at that moment; and how many were looked at."""
    times: dict[int, list[datetime]] = defaultdict(list)
    owners: dict[int, list[int | None]] = defaultdict(list)
    epochs: dict[int, int] = {}
    for row in await house.sql(OWNERS):
        number = row["number"]
        assert row["epoch"] >= epochs.get(number, 0), f"the epoch of partition {number} went back"
        epochs[number] = row["epoch"]
        times[number].append(row["at"])
        owners[number].append(row["incarnation"])
    strangers, writes = [], await house.sql(WRITES)
    for row in writes:
        noun, _, key = row["stream"].partition(":")
        number = partition_of(KINDS[noun], key)
        owner = owners[number][max(bisect_right(times[number], row["at"]) - 1, 0)]
        if owner != row["incarnation"]:
            strangers.append(f"{row['stream']} {row['n']}: written by {row['incarnation']}, owned by {owner}")
    return strangers, len(writes)
