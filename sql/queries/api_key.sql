-- name: insert_api_key :many
-- Keep API keys by the hashes of their secrets, unless their owner has as many as anybody may; returns ord of those kept.
-- Transactions that overlap do not count each other's: the bound is against growth, and may be passed by as many.
-- $1 id uuid[], $2 user_id uuid[], $3 name text[], $4 scopes text[] (comma separated), $5 hash bytea[],
-- $6 created_at timestamptz[], $7 expires_at timestamptz[], $8 most of a person bigint[]
with wanted as (
    select r.*, row_number() over (partition by user_id order by ord) as place
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::timestamptz[],
                $8::bigint[])
        with ordinality as r (id, user_id, name, scopes, hash, created_at, expires_at, most, ord)
), fitting as (
    select * from wanted
    where place + (select count(*) from api_key k where k.user_id = wanted.user_id) <= most
), kept as (
    insert into api_key (id, user_id, n, name, scopes, hash, created_at, expires_at)
    select id, user_id, 1, name, string_to_array(scopes, ','), hash, created_at, expires_at from fitting
    returning id
)
select fitting.ord from kept join fitting on fitting.id = kept.id;

-- name: delete_api_key :exec
-- Remove API keys.
-- $1 id uuid[]
delete from api_key where id = any ($1::uuid[]);

-- name: get_api_key :one
-- One API key.
-- $1 id uuid
select id, n, user_id, name, scopes, created_at, expires_at from api_key where id = $1;

-- name: list_api_keys :many
-- A page of an account's keys, newest first.
-- $1 user_id uuid, $2 before uuid or null, $3 limit integer
select id, name, scopes, created_at, expires_at
from api_key
where user_id = $1 and ($2::uuid is null or id < $2)
order by id desc
limit $3;

-- name: get_key_standing :one
-- What an API key stands for now.
-- $1 id uuid
select k.user_id, k.hash, k.scopes, k.expires_at, a.role, a.status
from api_key k join account a on a.id = k.user_id
where k.id = $1;
