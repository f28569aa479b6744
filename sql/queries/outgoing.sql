-- name: insert_outgoing :exec
-- Add what is to leave the house.
-- $1 id uuid[], $2 user_id uuid[], $3 channel text[], $4 parcel uuid[], $5 notification_id uuid[], $6 type text[],
-- $7 title text[], $8 body text[], $9 data json[], $10 priority text[], $11 sealed bytea[], $12 due_at timestamptz[],
-- $13 expires_at timestamptz[], $14 created_at timestamptz[], $15 source text[]
insert into outgoing (id, user_id, channel, parcel, notification_id, type, title, body, data, priority, sealed,
                      due_at, expires_at, created_at, source)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                     $9::json[], $10::text[], $11::bytea[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
                     $15::text[]);

-- name: insert_sealed_by_email :exec
-- Add e-mails with sealed content for whoever has these addresses, if anybody has.
-- $1 id uuid[], $2 email text[], $3 type text[], $4 sealed bytea[], $5 created_at timestamptz[], $6 expires_at timestamptz[]
insert into outgoing (id, user_id, channel, parcel, type, title, body, data, priority, sealed,
                      due_at, expires_at, created_at)
select r.id, a.id, 'email', r.id, r.type, '', '', '{}', 'critical', r.sealed, r.created_at, r.expires_at, r.created_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::timestamptz[])
    as r (id, email, type, sealed, created_at, expires_at)
join account a on lower(a.email) = lower(r.email);

-- name: take_outgoing :many
-- Lease parcels that are due, and gather for each what waits for the same person: the attempt is counted now, so that
-- one which ends the process is known. What was read meanwhile, or is too late, is dropped. Two houses never take the
-- same parcel: both would take its first row first. A digest stops growing here: it gets its first row's id as its own.
-- $1 channel text, $2 now timestamptz, $3 most parcels integer, $4 lease uuid, $5 lease seconds, $6 most rows of a parcel
with due as (
    select distinct on (parcel) id, due_at
    from (
        select id, parcel, due_at from outgoing
        where channel = $1 and state = 'waiting' and due_at <= $2 and (leased_until is null or leased_until < now())
        order by due_at
        limit 1000
    ) as soonest
    order by parcel, due_at, id
), head as materialized (
    select id, parcel, user_id from outgoing
    where id in (select id from due order by due_at limit $3)
      and state = 'waiting' and (leased_until is null or leased_until < now())
    for update skip locked
), part as materialized (
    select o.id, h.id as head,
        case
            when o.expires_at <= $2 then 'too late'
            when exists (
                select from notification n
                where n.id = o.notification_id and (n.read_at is not null or n.deleted_at is not null)
            ) then 'read meanwhile'
            when o.type in ('message', 'mention') and exists (
                select from chat_read r
                where r.user_id = o.user_id
                  and r.chat_id = case when o.data ->> 'chat_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                       then (o.data ->> 'chat_id')::uuid end
                  and r.seq >= case when o.data ->> 'seq' ~ '^[0-9]{1,15}$' then (o.data ->> 'seq')::bigint end
            ) then 'read meanwhile'
            when o.type in ('message', 'mention') and o.source like 'chat:%' and not exists (
                select from chat_message m where m.id = (o.data ->> 'message_id')::uuid and m.recalled_at is null
            ) then 'taken back'
        end as needless
    from head h
    cross join lateral (
        select * from outgoing s
        where s.channel = $1 and s.parcel = h.parcel and s.state = 'waiting'
          and (s.leased_until is null or s.leased_until < now())
        order by s.id <> h.id, s.created_at, s.id
        limit $6
    ) as o
), taken as (
    update outgoing o
    set parcel = case when o.parcel = o.user_id then p.head else o.parcel end,
        lease = $4::uuid,
        leased_until = now() + make_interval(secs => $5),
        attempts = o.attempts + 1
    from part p
    where o.id = p.id and o.state = 'waiting' and (o.leased_until is null or o.leased_until < now())
    returning o.*, p.needless
)
select id, user_id, parcel, notification_id, type, title, body, data, priority, sealed, address, attempts, created_at,
    needless
from taken
order by parcel, created_at, id;

-- name: split_outgoing :exec
-- A person has several addresses: leased rows keep the first one, each other one gets rows of its own, due now.
-- $1 ids uuid[], $2 lease uuid, $3 address text, $4 now timestamptz, $5 source id uuid[], $6 id uuid[],
-- $7 parcel uuid[], $8 address text[]
with kept as (
    update outgoing set address = $3 where id = any ($1::uuid[]) and lease = $2 and state = 'waiting' returning *
)
insert into outgoing (id, user_id, channel, parcel, source, notification_id, type, title, body, data, priority, sealed,
                      address, due_at, expires_at, created_at)
select r.id, k.user_id, k.channel, r.parcel, k.source, k.notification_id, k.type, k.title, k.body, k.data, k.priority, k.sealed,
    r.address, $4, k.expires_at, k.created_at
from unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[]) as r (source, id, parcel, address)
join kept k on k.id = r.source;

-- name: end_outgoing :exec
-- Leased rows are sent, dropped or dead. Only what is dead keeps its content: somebody may send it again.
-- $1 ids uuid[], $2 lease uuid, $3 state text, $4 error text or null, $5 now timestamptz
update outgoing
set state = $3, error = $4, ended_at = $5, lease = null, leased_until = null,
    title = case when $3 = 'dead' then title else '' end,
    body = case when $3 = 'dead' then body else '' end,
    data = case when $3 = 'dead' then data else '{}' end,
    sealed = case when $3 = 'dead' then sealed end,
    address = case when $3 = 'dead' then address end
where id = any ($1::uuid[]) and lease = $2 and state = 'waiting';

-- name: delay_outgoing :exec
-- Leased rows are to be tried again at a moment; $5 takes attempts back that are not to count.
-- $1 ids uuid[], $2 lease uuid, $3 due_at timestamptz, $4 error text, $5 uncounted integer
update outgoing
set due_at = $3, error = $4, attempts = attempts - $5::integer, lease = null, leased_until = null
where id = any ($1::uuid[]) and lease = $2 and state = 'waiting';

-- name: get_next_due :value
-- When the next parcel of a channel is due that nobody is sending, or the lease of one runs out; null when none waits.
-- $1 channel text
select least(
    (select min(due_at) from outgoing
        where channel = $1 and state = 'waiting' and (leased_until is null or leased_until < now())),
    (select min(leased_until) from outgoing
        where channel = $1 and state = 'waiting' and due_at <= now() and leased_until >= now())
);

-- name: list_outgoing :many
-- A page of rows without their content, newest first.
-- $1 state text or null, $2 channel text or null, $3 user_id uuid or null, $4 before id uuid or null, $5 limit integer
select id, user_id, channel, type, priority, state, attempts, due_at, error, created_at, ended_at
from outgoing
where ($1::text is null or state = $1) and ($2::text is null or channel = $2) and ($3::uuid is null or user_id = $3)
  and ($4::uuid is null or id < $4)
order by id desc
limit $5;

-- name: get_outgoing :one
-- One row without its content.
-- $1 id uuid
select id, user_id, channel, type, priority, state, attempts, due_at, error, created_at, ended_at
from outgoing where id = $1;

-- name: retry_outgoing :many
-- Send single rows now, attempts counted anew; gives the position of each that is dead, or waits and is not under way.
-- $1 id uuid[], $2 now timestamptz[]
update outgoing o
set state = 'waiting', parcel = o.id, attempts = 0, due_at = r.due_at, ended_at = null, error = null
from unnest($1::uuid[], $2::timestamptz[]) with ordinality as r (id, due_at, ord)
where o.id = r.id and o.state in ('dead', 'waiting') and (o.leased_until is null or o.leased_until < now())
returning r.ord;

-- name: delete_outgoing :many
-- Forget single rows, whatever their state; gives the position of each that was there.
-- $1 id uuid[]
delete from outgoing o using unnest($1::uuid[]) with ordinality as r (id, ord) where o.id = r.id returning r.ord;

-- name: delete_old_outgoing :exec
-- Forget what was sent or dropped before a moment, a bounded number at a time.
-- $1 before timestamptz, $2 limit integer
delete from outgoing where id in (
    select id from outgoing where state in ('sent', 'dropped') and ended_at < $1 limit $2
);

-- name: delete_old_dead :exec
-- Forget what died before a moment, a bounded number at a time.
-- $1 before timestamptz, $2 limit integer
delete from outgoing where id in (select id from outgoing where state = 'dead' and ended_at < $1 limit $2);

-- name: get_recipient :one
-- How a person is called, and the e-mail address, whether it was proved, and whether the account is active.
-- $1 user_id uuid
select username, email, email_verified_at is not null as is_verified, status = 'active' as is_active
from account where id = $1;
