-- name: insert_idempotency :exec
-- Take keys, in the transaction that makes what they stand for; a key that is taken violates idempotency_pkey.
-- combines: changes idempotency
-- $1 caller text[], $2 route text[], $3 key text[], $4 body_hmac bytea[], $5 object_id text[], $6 at timestamptz[]
insert into idempotency (caller, route, key, body_hmac, object_id, at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[])

-- name: get_idempotency :one
-- What a key stands for.
-- $1 caller text, $2 route text, $3 key text
select body_hmac, object_id, at from idempotency where caller = $1 and route = $2 and key = $3

-- name: delete_idempotency :exec
-- Forget keys that are too old, some at a time.
-- $1 before timestamptz, $2 limit bigint
delete from idempotency where ctid = any(array(select ctid from idempotency where at < $1 limit $2))
