-- name: insert_dead_letter :exec
-- Keep a message that could not be handled; the same one again changes nothing.
-- $1 id text, $2 kind text, $3 key text, $4 message_type text, $5 message bytea, $6 caller bytea, $7 error text,
-- $8 attempts integer, $9 at timestamptz
insert into dead_letter (id, kind, key, message_type, message, caller, error, attempts, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing

-- name: list_dead_letters :many
-- Newest first.
-- $1 cursor at timestamptz, $2 cursor id text, $3 limit bigint
select id, kind, key, message_type, message, caller, error, attempts, at
from dead_letter where (at, id) < ($1, $2) order by at desc, id desc limit $3

-- name: get_dead_letter :one
-- One by its id.
-- $1 id text
select id, kind, key, message_type, message, caller, error, attempts, at from dead_letter where id = $1

-- name: delete_dead_letter :exec
-- It was delivered again, or given up.
-- $1 id text
delete from dead_letter where id = $1

-- name: delete_old_dead_letters :exec
-- Nobody has looked at them for long enough.
-- $1 before timestamptz
delete from dead_letter where at < $1

-- name: count_dead_letters :value
-- How many there are.
select count(*) from dead_letter
