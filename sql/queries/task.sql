-- name: create_tasks :many
-- Create tasks within their owners' quotas; a living task of the same owner, type and unique_key is returned instead.
-- Rows: ord; first (of the items with this key); created; body (event when created, else task); granted (false: quota).
-- $5 id uuid[], $6 user_id uuid[], $7 allowance bigint[] (null: no limit), $8 type text[], $9 params json[],
-- $10 priority smallint[], $11 unique_key text[], $12 project_id text[], $13 max_attempts smallint[],
-- $14 timeout_seconds integer[], $15 run_at timestamptz[], $16 at timestamptz[], $17 cause text[]
with fence as materialized (select fence($1) as ok),
req as materialized (
    select r.*, date_trunc('month', at at time zone 'UTC')::date as month,
        case when unique_key is null then ord else min(ord) over (partition by user_id, type, unique_key) end as first
    from unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::json[], $10::smallint[], $11::text[], $12::text[],
        $13::smallint[], $14::integer[], $15::timestamptz[], $16::timestamptz[], $17::text[]) with ordinality
        as r(id, user_id, allowance, type, params, priority, unique_key, project_id, max_attempts, timeout_seconds,
            run_at, at, cause, ord)
), living as materialized (
    select r.ord, task_json(t) as body from req r join task t using (user_id, type, unique_key)
    where t.status in ('pending', 'running')
), account_quota as materialized (
    select q.user_id, q.month, q.used_tasks, q.max_tasks from quota q
    where q.user_id = any($6) and (select ok from fence) order by q.user_id for update
), granted as materialized (
    select r.* from (
        select *, row_number() over (partition by user_id order by ord) as place from req
        where ord = first and ord not in (select ord from living)
    ) r join account_quota q using (user_id)
    where coalesce(place + case when q.month >= r.month then q.used_tasks else 0 end
        <= coalesce(q.max_tasks, r.allowance), true)
), made as (
    insert into task as t (id, user_id, type, params, priority, unique_key, project_id, max_attempts, timeout_seconds,
        due, run_at, created_at)
    select id, user_id, type, params, priority, unique_key, project_id, max_attempts, timeout_seconds,
        run_at <= at, run_at, at from granted order by ord
    on conflict do nothing
    returning id, task_event('task.created', created_at, t) as body
), counted as (
    update quota q set month = greatest(q.month, c.month),
        used_tasks = c.tasks + case when q.month >= c.month then q.used_tasks else 0 end
    from (select user_id, max(month) as month, count(*) as tasks from made join req using (id) group by user_id) c
    where q.user_id = c.user_id
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, 1, 'task.created', body, user_id, cause, 0, $2, $3, $4 + ord - 1, at
    from made join req using (id)
)
select r.ord, r.first, m.id is not null as created, g.ord is not null as granted,
    coalesce(m.body, l.body, case when g.ord is not null then (select task_json(t) from task t where t.id = r.id) end)
        as body
from req r left join made m using (id) left join granted g using (ord) left join living l on l.ord = r.first
order by r.ord

-- name: take_tasks :many
-- Lease due tasks to workers, request by request. Rows: ord (of the request), id, n, body (event), and of the lease:
-- user_id, lease, lease_expires_at (text).
-- $5 types text[] (comma-separated), $6 max integer[], $7 lease_seconds integer[], $8 worker text[],
-- $9 at timestamptz[], $10 cause text[], $11 caller uuid[], $12 limits json (type -> how many may run)
with fence as materialized (select fence($1) as ok),
req as materialized (
    select string_to_array(r.list, ',') as types, r.* from unnest($5::text[], $6::integer[], $7::integer[], $8::text[],
        $9::timestamptz[], $10::text[], $11::uuid[]) with ordinality
        as r(list, max, lease_seconds, worker, at, cause, caller, ord)
), limited as materialized (  -- in one order everywhere, so that no two houses wait for each other
    select pg_advisory_xact_lock(hashtextextended('task.type:' || type, 0))
    from (select distinct unnest(types) as type from req order by type) as wanted
    where $12::json ->> type is not null and (select ok from fence)
), seen as (
    insert into task_worker as w (name, types, last_seen_at)
    select distinct on (worker) worker, types, at from req where (select ok from fence) order by worker, ord desc
    on conflict (name) do update set types = excluded.types, last_seen_at = excluded.last_seen_at
), taken as materialized (
    select r.ord, r.at, r.cause, r.caller, t.id, t.n, t.user_id, t.lease, t.lease_expires_at,
        task_event('task.started', r.at, t) as body,
        row_number() over (order by r.ord, t.priority desc, t.created_at, t.id) as place
    from req r cross join lateral lease_tasks(r.types, r.max, r.lease_seconds, r.worker, r.at, $12::json) as t
    where (select ok from fence) and (select count(*) from limited) >= 0  -- once the locks are held
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, n, 'task.started', body, caller, cause, 0, $2, $3, $4 + place - 1, at from taken
)
select ord, id, n, body, user_id, lease, instant(lease_expires_at) as lease_expires_at
from taken order by place

-- name: progress_tasks :many
-- Renew leases and store progress; each change of percent or phase is an event.
-- Rows: ord; status (null: no such task); held, ours (the lease is, or was, this one); n; body (null: no event);
-- lease_expires_at.
-- $5 id uuid[], $6 lease uuid[], $7 percent float8[], $8 phase text[], $9 message text[] (null: as it was),
-- $10 at timestamptz[], $11 cause text[], $12 caller uuid[]
with fence as materialized (select fence($1) as ok),
req as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::double precision[], $8::text[], $9::text[], $10::timestamptz[],
        $11::text[], $12::uuid[]) with ordinality as r(id, mine, percent, phase, message, at, cause, caller, ord)
), locked as materialized (
    select id, n, status, lease, lease_seconds, lease_expires_at, percent, phase, message from task
    where id = any($5) and (select ok from fence) order by id for update
), step as (
    select r.ord, r.id, r.at, r.cause, r.caller, r.percent, coalesce(r.phase, t.phase) as phase,
        coalesce(r.message, t.message) as message, t.n, t.percent as percent_before, t.phase as phase_before,
        now() + make_interval(secs => t.lease_seconds) as lease_expires_at
    from req r join locked t using (id)
    where t.lease = r.mine and t.status = 'running' and t.lease_expires_at > now()
), compared as (
    select *, (percent, phase) is distinct from
        (lag(percent, 1, percent_before) over w, lag(phase, 1, phase_before) over w) as changed
    from step window w as (partition by id order by ord)
), numbered as materialized (
    select *, n + count(*) filter (where changed) over (partition by id order by ord) as last,
        row('task.progressed', instant(at), id, row(percent, phase, message, instant(at))::task_progress_view
            )::task_progressed_view as body
    from compared
), kept as (
    update task t set percent = s.percent, phase = s.phase, message = s.message, progressed_at = s.at, n = s.last,
        lease_expires_at = s.lease_expires_at
    from (select distinct on (id) * from numbered order by id, ord desc) s where t.id = s.id
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, last, 'task.progressed', row_to_json(body), caller, cause, 0, $2, $3, $4 + ord - 1, at
    from numbered where changed
)
select r.ord, t.status, s.ord is not null as held, coalesce(t.lease = r.mine, false) as ours, s.last as n,
    case when s.changed then row_to_json(s.body) end as body,
    coalesce(s.lease_expires_at, t.lease_expires_at) as lease_expires_at
from req r left join numbered s using (ord) left join locked t on t.id = r.id
order by r.ord

-- name: settle_tasks :many
-- End attempts under their leases: completed, or failed with another attempt while there are any.
-- Rows: ord; before (status, null: no such task); status (null: refused); task_type; n; type (of the event); body.
-- $5 id uuid[], $6 lease uuid[], $7 completed boolean[], $8 result json[], $9 error json[], $10 retry boolean[],
-- $11 jitter float8[], $12 at timestamptz[], $13 cause text[], $14 caller uuid[]
with fence as materialized (select fence($1) as ok),
req as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::boolean[], $8::json[], $9::json[], $10::boolean[],
        $11::double precision[], $12::timestamptz[], $13::text[], $14::uuid[]) with ordinality
        as r(id, mine, completed, result, error, retry, jitter, at, cause, caller, ord)
), locked as materialized (
    select id, status, lease, lease_expires_at, attempt, max_attempts from task
    where id = any($5) and (select ok from fence) order by id for update
), ending as materialized (
    select distinct on (r.id) r.*, case
        when r.completed then 'completed' when r.retry and t.attempt < t.max_attempts then 'pending' else 'failed'
        end as outcome
    from req r join locked t using (id)
    where t.lease = r.mine and t.status = 'running' and t.lease_expires_at > now() order by r.id, r.ord
), ended as (
    update task t set status = e.outcome, result = e.result, error = e.error, lost_leases = 0, n = t.n + 1,
        percent = case when e.completed then 100 else t.percent end,
        progressed_at = case when e.completed then e.at else t.progressed_at end,
        run_at = case when e.outcome = 'pending' then e.at + task_backoff(t.attempt, e.jitter) else t.run_at end,
        finished_at = case when e.outcome <> 'pending' then e.at end
    from ending e where t.id = e.id
    returning e.ord, t.id, t.n, t.status, t.type as task_type, e.at, e.cause, e.caller,
        case when e.completed then 'task.completed' else 'task.failed' end as type,
        case when e.completed then task_event('task.completed', e.at, t) else task_failure(e.at, t) end as body
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, n, type, body, caller, cause, 0, $2, $3, $4 + ord - 1, at from ended
)
select r.ord, t.status as before, e.status, e.task_type, e.n, e.type, e.body
from req r left join locked t using (id) left join ended e using (ord)
order by r.ord

-- name: cancel_tasks :many
-- Cancel what is pending or running.
-- Rows: ord; before (status, null: no such task of this caller); type; n (null: refused); body.
-- $5 id uuid[], $6 owner uuid[] (null: anybody's), $7 at timestamptz[], $8 cause text[], $9 caller uuid[]
with fence as materialized (select fence($1) as ok),
req as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[], $9::uuid[]) with ordinality
        as r(id, owner, at, cause, caller, ord)
), locked as materialized (
    select id, user_id, type, status from task
    where id = any($5) and (select ok from fence) order by id for update
), allowed as materialized (
    select r.*, t.status, t.type from req r join locked t using (id) where coalesce(r.owner = t.user_id, true)
), ended as (
    update task t set status = 'cancelled', finished_at = a.at, n = t.n + 1
    from (select distinct on (id) * from allowed where status in ('pending', 'running') order by id, ord) a
    where t.id = a.id
    returning a.ord, t.id, t.n, a.at, a.cause, a.caller, task_event('task.cancelled', a.at, t) as body
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, n, 'task.cancelled', body, caller, cause, 0, $2, $3, $4 + ord - 1, at from ended
)
select r.ord, a.status as before, a.type, e.n, e.body
from req r left join allowed a using (ord) left join ended e using (ord)
order by r.ord

-- name: retry_tasks :many
-- Start failed or cancelled tasks anew, unless a living one has their unique_key.
-- Rows: ord; before (status, null: no such task of this caller); n (null: refused); body; type.
-- $5 id uuid[], $6 owner uuid[] (null: anybody's), $7 at timestamptz[], $8 cause text[], $9 caller uuid[]
with fence as materialized (select fence($1) as ok),
req as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[], $9::uuid[]) with ordinality
        as r(id, owner, at, cause, caller, ord)
), locked as materialized (
    select id, user_id, type, unique_key, status from task
    where id = any($5) and (select ok from fence) order by id for update
), allowed as materialized (
    select r.*, t.status, t.type, t.user_id, t.unique_key from req r join locked t using (id)
    where coalesce(r.owner = t.user_id, true)
), chosen as (
    select distinct on (user_id, type, coalesce(unique_key, id::text)) * from allowed a
    where status in ('failed', 'cancelled') and not exists (
        select from task l where l.user_id = a.user_id and l.type = a.type and l.unique_key = a.unique_key
            and l.status in ('pending', 'running'))
    order by user_id, type, coalesce(unique_key, id::text), ord
), begun as (
    update task t set status = 'pending', due = true, run_at = c.at, attempt = 0, lost_leases = 0, n = t.n + 1,
        result = null, error = null, percent = 0, phase = null, message = null, progressed_at = null,
        started_at = null, finished_at = null, lease = null, lease_expires_at = null, worker = null
    from chosen c where t.id = c.id
    returning c.ord, t.id, t.n, c.at, c.cause, c.caller, task_event('task.retried', c.at, t) as body
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, n, 'task.retried', body, caller, cause, 0, $2, $3, $4 + ord - 1, at from begun
)
select r.ord, a.status as before, a.type, b.n, b.body
from req r left join allowed a using (ord) left join begun b using (ord)
order by r.ord

-- name: sweep_tasks :many
-- What time alone does: end attempts whose lease ran out or that ran too long, and wake tasks whose run_at has come.
-- Rows: id; type; status; due; n and body (null: no event); run_at.
-- $5 at timestamptz, $6 cause text, $7 jitter float8, $8 most integer
with fence as materialized (select fence($1) as ok),
late as materialized (
    select id, lease_expires_at <= now() as lost from task
    where status = 'running' and (lease_expires_at <= now() or started_at + make_interval(secs => timeout_seconds) <= $5)
        and (select ok from fence)
    order by id limit $8 for update skip locked
), judged as materialized (
    select l.*, case when t.attempt >= t.max_attempts or (l.lost and t.lost_leases >= 2) then 'failed' else 'pending'
        end as outcome
    from late l join task t using (id)
), ended as (
    update task t set status = j.outcome, due = j.lost and j.outcome = 'pending', n = t.n + 1,
        lost_leases = case when j.lost then t.lost_leases + 1 else 0 end,
        error = case when j.lost then json_build_object('code', 'worker_lost', 'message', 'the lease ran out')
            else json_build_object('code', 'timeout', 'message', format('ran longer than %s s', t.timeout_seconds)) end,
        run_at = case when j.outcome = 'failed' then t.run_at when j.lost then $5
            else $5 + task_backoff(t.attempt, $7) end,
        finished_at = case when j.outcome = 'failed' then $5 end
    from judged j where t.id = j.id
    returning t.id, t.type, t.status, t.due, t.n, task_failure($5, t) as body, t.run_at
), woken as (
    update task t set due = true where (select ok from fence) and id in (
        select id from task where status = 'pending' and not due and run_at <= $5
        order by run_at limit $8 for update skip locked)
    returning t.id, t.type, t.status, t.due, null::bigint, null::json, t.run_at
), changed as (
    select *, row_number() over (order by n is null, id) as place from (select * from ended union all select * from woken) s
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'task:' || id, n, 'task.failed', body, null, $6, 0, $2, $3, $4 + place - 1, $5 from changed where n is not null
)
select * from changed order by place

-- name: get_next_due :value
-- Seconds until the next lease, time limit or run_at runs out; null when there is none.
-- $1 now timestamptz
select extract(epoch from least(
    (select min(least(lease_expires_at - now(), started_at + make_interval(secs => timeout_seconds) - $1))
        from task where status = 'running'),
    (select min(run_at) - $1 from task where status = 'pending' and not due)
))::float8

-- name: list_due_types :many
-- Which of these types have tasks that wait for a worker, and how many (counted up to 100).
-- $1 types text[]
select type, tasks from unnest($1::text[]) as type cross join lateral (
    select count(*) as tasks from (
        select from task t where t.type = type.type and t.status = 'pending' and t.due limit 100) as waiting
) as counted
where tasks > 0

-- name: get_tasks :many
-- Tasks and their owners. Rows: id, user_id, body.
-- $1 id uuid[]
select id, user_id, task_json(t) as body from task t where id = any($1)

-- name: get_statuses :many
-- How far tasks are. Rows: id, user_id, body.
-- $1 id uuid[]
select id, user_id, row_to_json(row(t.id, t.status, task_progress_of(t))::task_status_view) as body
from task t where id = any($1)

-- name: list_tasks :many
-- Tasks of one owner, newest first.
-- $1 user_id uuid, $2 status text?, $3 type text?, $4 before created_at timestamptz?, $5 before id uuid?, $6 limit integer
select id, created_at, task_json(t) as body from task t
where user_id = $1 and ($2::text is null or status = $2) and ($3::text is null or type = $3)
    and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
order by created_at desc, id desc limit $6

-- name: list_task_events :many
-- What happened to a task, oldest first.
-- $1 stream text, $2 after n bigint, $3 limit integer
select n, row_to_json(row(n, type, body, instant(at))::task_moment_view) as body
from event where stream = $1 and n > $2 order by n limit $3

-- name: list_workers :many
-- Workers that were seen since a moment, the latest first.
-- $1 since timestamptz, $2 before last_seen_at or null, $3 before worker text, $4 limit integer
select * from (
    select w.name as worker, w.types, count(t.id) as leased,
        greatest(w.last_seen_at, max(t.lease_expires_at - make_interval(secs => t.lease_seconds))) as last_seen_at
    from task_worker w left join task t on t.worker = w.name and t.status = 'running'
    group by w.name
) as seen
where last_seen_at > $1 and ($2::timestamptz is null or (last_seen_at, worker) < ($2, $3))
order by last_seen_at desc, worker desc limit $4

-- name: delete_old_workers :exec
-- Retention: forget some workers that have asked for nothing since a moment.
-- $1 before timestamptz, $2 most integer
delete from task_worker where name in (select name from task_worker where last_seen_at < $1 limit $2)

-- name: delete_old_tasks :exec
-- Retention: remove some tasks that finished before a moment.
-- $1 before timestamptz, $2 most integer
delete from task where id in (
    select id from task where finished_at < $1 order by finished_at limit $2)
