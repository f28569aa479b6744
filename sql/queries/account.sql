-- name: insert_account :exec
-- Make accounts with all that is theirs from the first moment: credential, profile, quota.
-- $1 id uuid[], $2 username text[], $3 email text[], $4 phone text[], $5 role text[], $6 created_at timestamptz[],
-- $7 password_hash text[], $8 school_code text[], $9 op_code text[]
with made as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                         $7::text[], $8::text[], $9::text[])
        as r (id, username, email, phone, role, created_at, password_hash, school_code, op_code)
), accounts as (
    insert into account (id, n, username, email, phone, role, status, created_at)
    select id, 1, username, email, phone, role, 'active', created_at from made
), credentials as (
    insert into credential (user_id, password_hash, changed_at) select id, password_hash, created_at from made
), profiles as (
    insert into profile (user_id, display_name, school_code, op_code) select id, username, school_code, op_code from made
)
insert into quota (user_id, month) select id, date_trunc('month', created_at at time zone 'UTC') from made;

-- name: update_account :exec
-- Make accounts' rows equal to their state.
-- $1 id uuid[], $2 n bigint[], $3 email text[], $4 phone text[], $5 avatar text[], $6 role text[], $7 status text[],
-- $8 courier_level smallint[], $9 email_verified_at timestamptz[]
update account a
set n = r.n, email = r.email, phone = r.phone, avatar = r.avatar, role = r.role, status = r.status,
    courier_level = r.courier_level, email_verified_at = r.email_verified_at
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[],
            $9::timestamptz[])
    as r (id, n, email, phone, avatar, role, status, courier_level, email_verified_at)
where a.id = r.id;

-- name: delete_account :exec
-- Remove accounts and everything that is their own.
-- $1 id uuid[]
delete from account where id = any ($1::uuid[]);

-- name: get_account :one
-- One account with the number of its last event.
-- $1 id uuid
select id, n, username, email, phone, avatar, role, status, courier_level, email_verified_at, created_at
from account where id = $1;

-- name: list_accounts :many
-- A page of accounts, newest first; null means any.
-- $1 pattern text (of `like`, lower case) or null, $2 role text or null, $3 status text or null,
-- $4 before uuid or null, $5 limit integer
select id, username, email, phone, avatar, role, status, courier_level, created_at
from account
where ($1::text is null or lower(username) like $1 or lower(email) like $1)
  and ($2::text is null or role = $2)
  and ($3::text is null or status = $3)
  and ($4::uuid is null or id < $4)
order by id desc
limit $5;

-- name: get_super_admin :value
-- The id of the first who can administer the house.
select id from account where role = 'super_admin' and status = 'active' order by id limit 1;

-- name: lock_super_admins :many
-- Let accounts stop being active super_admins while another stays; gives the position of each that may.
-- The lock makes a second house wait and count again; turns of one execution may not all go.
-- $1 id uuid[]
with held as materialized (
    select id from account where role = 'super_admin' and status = 'active' order by id for no key update
)
select r.ord from unnest($1::uuid[]) with ordinality as r (id, ord)
where r.ord < (select count(*) from held);
