-- name: list_houses :many
-- Houses in the order of their ids; every one holds all partitions until mail is spread over several.
-- $1 after id or null, $2 limit
select id, address, alive, lease_expires_at, case when alive then 256 else 0 end as partitions
from house
where $1::smallint is null or id > $1
order by id
limit $2;

-- name: list_events :many
-- The audit log, newest first.
-- $1 stream or null, $2 type or null, $3 caller uuid or null, $4 since or null, $5 before at or null, $6 before stream, $7 before n,
-- $8 limit
select stream, n, type, body, caller, at
from event
where ($1::text is null or stream = $1)
  and ($2::text is null or type = $2)
  and ($3::uuid is null or caller = $3)
  and ($4::timestamptz is null or at >= $4)
  and ($5::timestamptz is null or (at, stream, n) < ($5, $6::text, $7::bigint))
order by at desc, stream desc, n desc
limit $8;

-- name: list_dead_letters :many
-- Dead letters, newest first.
-- $1 before at or null, $2 before id, $3 limit
select id, kind, key, message_type, message, caller, error, attempts, at
from dead_letter
where $1::timestamptz is null or (at, id) < ($1, $2::text)
order by at desc, id desc
limit $3;

-- name: get_dead_letter :one
-- One dead letter.
-- $1 id
select id, kind, key, message_type, message, caller, error, attempts, at from dead_letter where id = $1;

-- name: delete_dead_letter :exec
-- Remove one.
-- $1 id
delete from dead_letter where id = $1;
