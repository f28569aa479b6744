-- name: insert_session :many
-- Open sessions, each with its first refresh token, for accounts that are active and whose password has not changed
-- since it was checked; gives the position of each. The lock makes a change of password wait, and end the session.
-- $1 id uuid[], $2 user_id uuid[], $3 password_hash text[], $4 address text[], $5 user_agent text[],
-- $6 refresh_hash bytea[], $7 created_at timestamptz[], $8 expires_at timestamptz[]
with opened as materialized (
    select r.*
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[],
                $8::timestamptz[])
        with ordinality as r (id, user_id, password_hash, address, user_agent, refresh_hash, created_at, expires_at, ord)
    join account a on a.id = r.user_id and a.status = 'active'
    join credential c on c.user_id = r.user_id and c.password_hash = r.password_hash
    for share of a, c
), sessions as (
    insert into session (id, user_id, n, created_at, last_seen_at, address, user_agent)
    select id, user_id, 1, created_at, created_at, address, user_agent from opened
), tokens as (
    insert into refresh_token (hash, session_id, expires_at) select refresh_hash, id, expires_at from opened
)
select ord from opened;

-- name: rotate_tokens :many
-- Exchange refresh tokens for their successors, at most once each; a used one ends its session, and the event tells.
-- Gives for each, in order: verdict (rotated, reused, unknown), session, account, and the event of an ended session.
-- $1 incarnation bigint, $2 house smallint, $3 lane smallint, $4 seq bigint,
-- $5 hash bytea[], $6 successor bytea[], $7 expires_at timestamptz, $8 now timestamptz, $9 the same as JSON text,
-- $10 cause text[]
with fence as materialized (select fence($1) as ok),
asked as materialized (
    select r.*, row_number() over (partition by hash order by ord) as use
    from unnest($5::bytea[], $6::bytea[], $10::text[]) with ordinality as r (hash, successor, cause, ord)
    where (select ok from fence)
), held as materialized (
    select * from refresh_token where hash in (select hash from asked) order by hash for update
), judged as materialized (
    select a.*, s.id as session_id, s.user_id,
           case when s.id is null or s.ended_at is not null then 'unknown'
                when h.used_at is not null or a.use > 1 then 'reused'
                when h.expires_at <= $8 then 'unknown'
                else 'rotated' end as verdict
    from asked a left join held h on h.hash = a.hash left join session s on s.id = h.session_id
), stolen as materialized (
    select distinct on (session_id) session_id, cause from judged where verdict = 'reused' order by session_id, ord
), used as (
    update refresh_token t set used_at = $8 from judged j where t.hash = j.hash and j.verdict = 'rotated'
), born as (
    insert into refresh_token (hash, session_id, expires_at)
    select successor, session_id, $7 from judged where verdict = 'rotated'
), seen as (
    update session s set last_seen_at = $8 from judged j
    where s.id = j.session_id and j.verdict = 'rotated' and s.id not in (select session_id from stolen)
), ended as (
    update session s set ended_at = $8, ended_reason = 'reuse', n = s.n + 1 from stolen t
    where s.id = t.session_id and s.ended_at is null
    returning s.id, s.n, t.cause, json_build_object(
        'type', 'session.ended', 'at', $9::text, 'session_id', s.id, 'user_id', s.user_id, 'reason', 'reuse') as body
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'session:' || id, n, 'session.ended', body, null, cause, 0, $2, $3, $4 + row_number() over () - 1, $8
    from ended
    returning 1
)
select j.verdict, j.session_id, a.id, a.username, a.email, a.phone, a.avatar, a.role, a.status, a.courier_level,
       a.created_at, e.n, e.body, (select count(*) from told) as told
from judged j
left join account a on a.id = j.user_id
left join ended e on e.id = j.session_id and j.verdict = 'reused'
order by j.ord;

-- name: end_sessions :many
-- End sessions by their owners' wish; gives, in order, the number of the event, or null where there was nothing to end.
-- $1 incarnation bigint, $2 house smallint, $3 lane smallint, $4 seq bigint,
-- $5 session_id uuid[], $6 user_id uuid[], $7 reason text[], $8 body json[], $9 cause text[], $10 now timestamptz
with fence as materialized (select fence($1) as ok),
asked as materialized (
    select r.*, row_number() over (partition by session_id, user_id order by ord) as use
    from unnest($5::uuid[], $6::uuid[], $7::text[], $8::json[], $9::text[])
        with ordinality as r (session_id, user_id, reason, body, cause, ord)
    where (select ok from fence)
), ended as (
    update session s set ended_at = $10, ended_reason = a.reason, n = s.n + 1 from asked a
    where s.id = a.session_id and s.user_id = a.user_id and s.ended_at is null and a.use = 1
    returning s.id, s.n, a.*
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'session:' || id, n, 'session.ended', body, user_id, cause, 0, $2, $3, $4 + row_number() over () - 1, $10
    from ended
    returning 1
)
select e.n, (select count(*) from told) as told
from asked a left join ended e on e.ord = a.ord
order by a.ord;

-- name: end_sessions_of :exec
-- End all sessions of accounts but one each (null: all). The accounts' own events tell.
-- $1 user_id uuid[], $2 except_id uuid[], $3 reason text[], $4 ended_at timestamptz[]
update session s set ended_at = r.ended_at, ended_reason = r.reason
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) as r (user_id, except_id, reason, ended_at)
where s.user_id = r.user_id and s.ended_at is null and s.id is distinct from r.except_id;

-- name: list_standings :many
-- What sessions stand for now.
-- $1 id uuid[]
select s.id, s.user_id, s.ended_at is not null as has_ended, a.role, a.status
from session s join account a on a.id = s.user_id
where s.id = any ($1::uuid[]);

-- name: list_sessions :many
-- An account's living sessions, newest first: not ended, and seen since a refresh token could still be good.
-- $1 user_id uuid, $2 seen_after timestamptz, $3 before id uuid or null, $4 limit integer
select id, created_at, last_seen_at, address, user_agent
from session
where user_id = $1 and ended_at is null and last_seen_at > $2 and ($3::uuid is null or id < $3)
order by id desc
limit $4;

-- name: delete_dead_sessions :exec
-- Forget sessions whose refresh tokens can all be used no more, ended or not.
-- $1 seen_before timestamptz
delete from session where last_seen_at < $1;

-- name: delete_expired_tokens :exec
-- Forget refresh tokens that can be used no more, so that long sessions do not pile them up.
-- $1 now timestamptz
delete from refresh_token where expires_at < $1;
