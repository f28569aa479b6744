-- name: begin :script
-- Open a transaction, fenced.
begin; select fence(current_setting('posthouse.incarnation')::bigint)

-- name: commit :script
-- Make it last.
commit

-- name: rollback :script
-- Undo it.
rollback

-- name: insert_events :exec
-- Append the events of a whole transaction, in order. Comes before its other writes: a repeated turn is found first.
-- $1 house smallint, $2 lane smallint, $3 first seq bigint, $4 stream text[], $5 n bigint[], $6 type text[],
-- $7 body json[], $8 caller uuid[], $9 cause text[], $10 ordinal smallint[], $11 at timestamptz[]
insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
select e.stream, e.n, e.type, e.body, e.caller, e.cause, e.ordinal, $1, $2, $3 + e.ord - 1, e.at
from unnest($4::text[], $5::bigint[], $6::text[], $7::json[], $8::uuid[], $9::text[], $10::smallint[],
            $11::timestamptz[])
    with ordinality as e(stream, n, type, body, caller, cause, ordinal, at, ord)

-- name: at_once :many
-- A whole transaction; its parts take the place of the CTE "answer": `insert_events` and one for each kind of write.
-- $1 incarnation bigint, then those of the parts
with fence as materialized (select fence($1) as ok),
answer as (select 0 as ord)
select 1 from fence

-- name: at_once_answered :many
-- The same, where the part called "answer" has rows. They come with one that is null when there are none.
-- $1 incarnation bigint, then those of the parts
with fence as materialized (select fence($1) as ok),
answer as (select 0 as ord)
select answer.* from fence left join answer on true

-- name: at_once_checked :many
-- The same, where "answer" must have as many rows as expected, each with an ord of its own. Else it is undone: what does
-- not add up is text that is no boolean.
-- $1 incarnation bigint, $2 expected rows bigint, then those of the parts
with fence as materialized (select fence($1) as ok),
answer as (select 0 as ord)
select answer.*
from fence
cross join (
    select (case when count(*) = $2 and count(distinct ord) = $2 then 'true' else 'an expectation was not met' end)::boolean
        as is_met
    from answer
) as met
left join answer on met.is_met

-- name: get_next_seq :value
-- The first free seq of a lane: behind its events, and behind what consumers have heard of events that are deleted.
-- $1 house smallint, $2 lane smallint
select greatest(
    (select max(seq) from event where house = $1 and lane = $2),
    (select max(seq) from consumer where house = $1 and lane = $2),
    0
) + 1

-- name: is_committed :value
-- Whether a transaction of a lane that took seq from $3 up to $4 has left events. Only while this incarnation may
-- write: a later one of the same house may have used the same numbers.
-- $1 house smallint, $2 lane smallint, $3 first seq bigint, $4 next seq bigint
select fence(current_setting('posthouse.incarnation')::bigint)
    and exists (select from event where house = $1 and lane = $2 and seq >= $3 and seq < $4)

-- name: terminate_backend :value
-- End one backend of ours and wait up to 2 s; true when it is gone. A pid that stands for another session is left alone.
-- $1 pid integer, $2 backend_start timestamptz
select coalesce(bool_and(pg_terminate_backend(pid, 2000)), true)
from pg_stat_activity where pid = $1 and backend_start = $2

-- name: get_backend_start :value
-- When this session began: with its pid, a name that no other session ever has.
select backend_start from pg_stat_activity where pid = pg_backend_pid()
