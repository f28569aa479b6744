-- name: list_stream :many
-- A stream's events in order.
-- $1 stream text, $2 after n bigint, $3 limit bigint
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event where stream = $1 and n > $2 order by n limit $3

-- name: list_stream_newest :many
-- A stream's events, newest first.
-- $1 stream text, $2 before n bigint, $3 limit bigint
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event where stream = $1 and n < $2 order by n desc limit $3

-- name: list_streams :many
-- The streams whose names begin with a prefix, in order.
-- $1 prefix text, $2 after stream text, $3 limit bigint
select stream from event where stream ^@ $1 and stream > $2 group by stream order by stream limit $3

-- name: get_heads :many
-- The number of the newest event of each stream that has any.
-- $1 stream text[]
select s.stream, h.n
from unnest($1::text[]) as s(stream)
cross join lateral (select e.n from event e where e.stream = s.stream order by e.n desc limit 1) h

-- name: list_events :many
-- Events newest first, of one type or all. A rare type costs a walk over what came since.
-- $1 type text or null, $2 since timestamptz, $3 cursor at timestamptz, $4 cursor stream text, $5 cursor n bigint,
-- $6 limit bigint
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event
where ($1::text is null or type = $1) and at >= $2 and (at, stream, n) < ($3, $4, $5)
order by at desc, stream desc, n desc limit $6

-- name: list_events_of_caller :many
-- What one caller made, newest first.
-- $1 type text or null, $2 since timestamptz, $3 cursor at timestamptz, $4 cursor stream text, $5 cursor n bigint,
-- $6 limit bigint, $7 caller uuid
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event
where caller = $7 and ($1::text is null or type = $1) and at >= $2 and (at, stream, n) < ($3, $4, $5)
order by at desc, stream desc, n desc limit $6

-- name: list_events_of_stream :many
-- One stream, newest first, with the filters of list_events.
-- $1 type text or null, $2 since timestamptz, $3 before n bigint, $4 limit bigint, $5 stream text, $6 caller uuid or null
select stream, n, type, body, caller, cause, ordinal, house, lane, seq, at
from event
where stream = $5 and n < $3 and ($1::text is null or type = $1) and ($6::uuid is null or caller = $6) and at >= $2
order by n desc limit $4

-- name: delete_events :one
-- Walk $5 events that are older than $1 from a cursor on, and delete those that are neither the newest of their stream
-- nor still to be delivered. Returns how many were walked, and the cursor behind them.
-- $1 before timestamptz, $2 cursor at timestamptz, $3 cursor stream text, $4 cursor n bigint, $5 limit bigint
with walked as materialized (
    select stream, n, house, lane, seq, at from event
    where at < $1 and (at, stream, n) > ($2, $3, $4)
    order by at, stream, n limit $5
), gone as (
    delete from event e using walked w
    where e.stream = w.stream and e.n = w.n
        and exists (select from event newer where newer.stream = w.stream and newer.n > w.n)
        and not exists (select from consumer c where c.house = w.house and c.lane = w.lane and c.seq < w.seq)
    returning 1
)
select (select count(*) from walked) as walked, (select count(*) from gone) as deleted, w.at, w.stream, w.n
from walked w order by w.at desc, w.stream desc, w.n desc limit 1
