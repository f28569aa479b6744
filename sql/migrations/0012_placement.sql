-- Many houses share the entities: each belongs to one of 256 partitions, and each partition to one house at a time.

create table partition (
    number smallint primary key check (number between 0 and 255),
    incarnation bigint,  -- its owner; null, or of a house that is not alive (any more): nobody's
    epoch bigint not null default 0  -- grows with every new owner
);
insert into partition (number) select generate_series(0, 255);

-- The house that owns the receiver's partition tells a timer. Those that are set already are told by the owner of
-- partition 0: whoever tells one, it reaches the same actor.
alter table timer add column partition smallint not null default 0;
create index timer_partition_due_at on timer (partition, due_at);

-- A house that is about to stop gives its partitions away, and is given none.
alter table house add column is_leaving boolean not null default false;
