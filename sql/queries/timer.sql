-- name: insert_timers :exec
-- Set timers. The same id again moves nothing.
-- $1 id uuid[], $2 kind text[], $3 key text[], $4 message_type text[], $5 message bytea[], $6 due_at timestamptz[],
-- $7 partition smallint[]
insert into timer (id, kind, key, message_type, message, due_at, partition)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::smallint[])
on conflict (id) do nothing

-- name: delete_timers :many
-- Part of the turn that a timer starts, or of the one that cancels it; returns ord of those that were still set.
-- $1 id uuid[]
delete from timer using unnest($1::uuid[]) with ordinality as gone(id, ord) where timer.id = gone.id returning gone.ord

-- name: list_due :many
-- Timers whose time has come, oldest first.
-- $1 now timestamptz, $2 limit bigint, $3 partitions smallint[] or null: all
select id, kind, key, message_type, message, due_at from timer
where due_at <= $1 and ($3::smallint[] is null or partition = any($3)) order by due_at, id limit $2

-- name: get_next_due :value
-- When the first one after a moment is due; nothing when there is none.
-- $1 after timestamptz, $2 partitions smallint[] or null: all
select min(due_at) from timer where due_at > $1 and ($2::smallint[] is null or partition = any($2))
