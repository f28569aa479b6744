-- name: save_seen :exec
-- Note when people were last connected, never earlier than is known; who has no account (any more) is left out.
-- In order of id, so that two houses cannot wait for each other.
-- $1 user_id uuid[], $2 at timestamptz[]
insert into seen (user_id, at)
select r.user_id, r.at
from unnest($1::uuid[], $2::timestamptz[]) as r (user_id, at)
join account a on a.id = r.user_id
order by r.user_id
on conflict (user_id) do update set at = excluded.at where seen.at < excluded.at;

-- name: list_seen :many
-- When these people were last connected; those who never were are not among them.
-- $1 user_id uuid[]
select user_id, at from seen where user_id = any ($1::uuid[]);
