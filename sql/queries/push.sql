-- name: save_push :many
-- Subscribe endpoints: one that is known gets the new keys, and keeps id and age unless it changes hands. Where a person
-- then has more than ``most``, those that were renewed longest ago go.
-- Rows: ord, id, created_at, is_new; none where somebody else subscribed the same endpoint later in this batch.
-- $1 id uuid[], $2 user_id uuid[], $3 endpoint text[], $4 p256dh bytea[], $5 auth bytea[], $6 name text[],
-- $7 at timestamptz[], $8 most integer[]
with asked as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::timestamptz[],
                         $8::integer[])
        with ordinality as r (id, user_id, endpoint, p256dh, auth, name, at, most, ord)
), last as (
    select distinct on (endpoint) * from asked order by endpoint, ord desc
), kept as (
    insert into push as p (id, user_id, endpoint, p256dh, auth, name, created_at, renewed_at)
    select id, user_id, endpoint, p256dh, auth, name, at, at from last
    on conflict (endpoint) do update set
        id = case when p.user_id = excluded.user_id then p.id else excluded.id end,
        created_at = case when p.user_id = excluded.user_id then p.created_at else excluded.created_at end,
        user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth, name = excluded.name,
        renewed_at = excluded.renewed_at
    returning id, user_id, endpoint, created_at, renewed_at
), placed as (
    select id, row_number() over (partition by user_id order by renewed_at desc, id desc) as place,
        (select min(most) from asked a where a.user_id = there.user_id) as most
    from (
        select id, user_id, renewed_at from kept
        union all
        select id, user_id, renewed_at from push
        where user_id in (select user_id from asked) and endpoint not in (select endpoint from asked)
    ) as there
), ended as (
    delete from push where id in (select id from placed where place > most)
)
select a.ord, k.id, k.created_at, k.id = a.id as is_new
from asked a join kept k on k.endpoint = a.endpoint and k.user_id = a.user_id;

-- name: delete_push :many
-- End subscriptions, each by whom it belongs to. Gives the position of each that was there.
-- $1 id uuid[], $2 user_id uuid[]
delete from push p using unnest($1::uuid[], $2::uuid[]) with ordinality as r (id, user_id, ord)
where p.id = r.id and p.user_id = r.user_id
returning r.ord;

-- name: list_pushes :many
-- A page of a person's subscriptions, newest first.
-- $1 user_id uuid, $2 before created_at or null, $3 before id, $4 limit integer
select id, endpoint, name, created_at
from push
where user_id = $1 and (created_at, id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
order by created_at desc, id desc
limit $4;

-- name: list_push_addresses :many
-- Where a person is told: one row without an id where there is no subscription, none where there is no such person.
-- $1 user_id uuid
select a.username, a.status = 'active' as is_active, p.id
from account a left join push p on p.user_id = a.id
where a.id = $1
order by p.renewed_at desc;

-- name: get_push :one
-- What it takes to tell somebody through a subscription.
-- $1 id uuid, $2 user_id uuid
select endpoint, p256dh, auth from push where id = $1 and user_id = $2;
