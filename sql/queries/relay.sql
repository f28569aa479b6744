-- name: list_heads :many
-- The last seq of each lane of this house and of houses that are dead. Hops from lane to lane on the index, so the
-- cost grows with lanes and not with events.
-- $1 house smallint
with recursive lane as (
    (select house, lane from event order by house, lane limit 1)
    union all
    select next.house, next.lane
    from lane
    cross join lateral (
        select e.house, e.lane from event e where (e.house, e.lane) > (lane.house, lane.lane)
        order by e.house, e.lane limit 1
    ) next
)
select lane.house, lane.lane, head.seq
from lane
join house on house.id = lane.house
cross join lateral (
    select e.seq from event e where e.house = lane.house and e.lane = lane.lane order by e.seq desc limit 1
) head
where house.id = $1 or not house.alive

-- name: list_positions :many
-- How far a consumer has come in each lane.
-- $1 name text
select house, lane, seq from consumer where name = $1

-- name: update_positions :exec
-- Everything up to here was delivered. Nothing waits for the disk: a position that is lost means delivery again.
-- $1 name text, $2 house smallint[], $3 lane smallint[], $4 seq bigint[]
insert into consumer (name, house, lane, seq)
select $1, p.house, p.lane, p.seq
from (select set_config('synchronous_commit', 'off', true)) as hasty,
    unnest($2::smallint[], $3::smallint[], $4::bigint[]) as p(house, lane, seq)
on conflict (name, house, lane) do update set seq = greatest(consumer.seq, excluded.seq)

-- name: list_undelivered :many
-- The next events of a lane that any consumer wants, in order of commit.
-- $1 house smallint, $2 lane smallint, $3 after seq bigint, $4 up to seq bigint, $5 types text[], $6 limit bigint
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event
where house = $1 and lane = $2 and seq > $3 and seq <= $4 and type = any($5)
order by seq limit $6

-- name: count_undelivered :value
-- How many events a consumer has yet to hear, counted to 10,000 per lane.
-- $1 house smallint[], $2 lane smallint[], $3 after seq bigint[], $4 types text[]
select coalesce(sum(waiting.count), 0)::bigint
from unnest($1::smallint[], $2::smallint[], $3::bigint[]) as p(house, lane, seq)
cross join lateral (
    select count(*) from (
        select from event e
        where e.house = p.house and e.lane = p.lane and e.seq > p.seq and e.type = any($4) limit 10000
    ) counted
) waiting
