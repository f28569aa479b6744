-- name: get_credential :one
-- The account that logs in by this name or e-mail address, and its password's hash. A username has no @.
-- $1 login text
select a.id, a.username, a.email, a.phone, a.avatar, a.role, a.status, a.courier_level, a.created_at, c.password_hash
from account a join credential c on c.user_id = a.id
where lower(a.username) = lower($1) or lower(a.email) = lower($1);

-- name: get_credential_by_id :one
-- As get_credential, by the account's id.
-- $1 user_id uuid
select a.id, a.username, a.email, a.phone, a.avatar, a.role, a.status, a.courier_level, a.created_at, c.password_hash
from account a join credential c on c.user_id = a.id
where a.id = $1;

-- name: update_credential :many
-- Replace hashes that are still what they were (null: whatever they were); gives the position of each replaced.
-- $1 user_id uuid[], $2 was text[], $3 becomes text[], $4 changed_at timestamptz[]
update credential c set password_hash = r.becomes, changed_at = r.changed_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
    with ordinality as r (user_id, was, becomes, changed_at, ord)
where c.user_id = r.user_id and c.password_hash = coalesce(r.was, c.password_hash)
returning r.ord;

-- name: insert_token :exec
-- Keep one-time tokens by their hashes.
-- $1 hash bytea[], $2 user_id uuid[], $3 purpose text[], $4 email text[], $5 expires_at timestamptz[]
insert into account_token (hash, user_id, purpose, email, expires_at)
select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]);

-- name: insert_token_by_email :many
-- Keep reset tokens for whoever has these addresses; gives the position of each that somebody has.
-- $1 hash bytea[], $2 email text[], $3 expires_at timestamptz[]
with asked as materialized (
    select r.*, a.id
    from unnest($1::bytea[], $2::text[], $3::timestamptz[]) with ordinality as r (hash, email, expires_at, ord)
    join account a on lower(a.email) = lower(r.email)
), kept as (
    insert into account_token (hash, user_id, purpose, expires_at)
    select hash, id, 'password_reset', expires_at from asked
)
select ord from asked;

-- name: get_token :one
-- Whose one-time token this is; spent and unknown ones are not there.
-- $1 hash bytea, $2 purpose text, $3 now timestamptz
select user_id, email from account_token where hash = $1 and purpose = $2 and expires_at > $3;

-- name: delete_token :many
-- Spend one-time tokens that were found good by get_token; gives the position of each that nobody has spent meanwhile.
-- $1 hash bytea[], $2 user_id uuid[]
delete from account_token t
using unnest($1::bytea[], $2::uuid[]) with ordinality as r (hash, user_id, ord)
where t.hash = r.hash and t.user_id = r.user_id
returning r.ord;

-- name: delete_tokens_of :exec
-- Make every reset token of these accounts worthless.
-- $1 user_id uuid[]
delete from account_token where user_id = any ($1::uuid[]) and purpose = 'password_reset';
