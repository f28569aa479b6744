-- Tasks: work that outside workers carry out. Rows are shared: changed only by conditional statements.

create table task (
    id               uuid             primary key,
    user_id          uuid             not null references account on delete cascade,
    project_id       text,
    type             text             not null,
    params           json             not null,  -- never asked for its parts: json keeps it as it was written
    status           text             not null default 'pending'
        check (status in (
            'pending',    -- new, or waiting for run_at or for the next attempt -> running, cancelled
            'running',    -- leased -> completed, pending (another attempt), failed, cancelled
            'completed',
            'failed',     -- attempts used up: a dead letter -> pending by retry
            'cancelled'   -- -> pending by retry
        )),
    due              boolean          not null,  -- pending: run_at has come
    priority         smallint         not null,
    unique_key       text,
    attempt          smallint         not null default 0,  -- counted when it is leased
    max_attempts     smallint         not null,
    lost_leases      smallint         not null default 0,  -- in a row
    timeout_seconds  integer          not null,  -- for one attempt
    percent          double precision not null default 0,
    phase            text,
    message          text,
    progressed_at    timestamptz,
    result           json,
    error            json,
    run_at           timestamptz      not null,
    created_at       timestamptz      not null,
    started_at       timestamptz,  -- of the latest attempt
    finished_at      timestamptz,
    lease            uuid,         -- of the latest attempt; it counts while the status is running
    lease_seconds    integer,
    lease_expires_at timestamptz,  -- on this database's clock
    worker           text,
    n                bigint        not null default 1  -- number of the last event of the stream task:<id>
) with (fillfactor = 70);  -- room for progress and heartbeats, which change no index

create index task_list on task (user_id, created_at desc, id desc);
create unique index task_living_key on task (user_id, type, unique_key)
    where unique_key is not null and status in ('pending', 'running');
create index task_due on task (type, priority desc, created_at, id) where status = 'pending' and due;
create index task_scheduled on task (run_at) where status = 'pending' and not due;
create index task_running on task (type) where status = 'running';
create index task_finished on task (finished_at) where finished_at is not null;

create table task_worker (
    name         text        primary key,
    types        text[]      not null,
    last_seen_at timestamptz not null
) with (fillfactor = 70);

-- The forms in which the world sees a task: the order of the columns is the order of the JSON.
create type task_progress_view as (percent double precision, phase text, message text, updated_at text);
create type task_view as (
    id uuid, type text, params json, status text, priority smallint, progress task_progress_view, result json,
    error json, attempt smallint, max_attempts smallint, unique_key text, run_at text, created_at text,
    started_at text, finished_at text
);
create type task_moment_view as (n bigint, type text, body json, at text);
create type task_status_view as (id uuid, status text, progress task_progress_view);
create type task_event_view as (type text, at text, user_id uuid, task task_view);
create type task_failure_view as (type text, at text, user_id uuid, will_retry boolean, task task_view);
create type task_progressed_view as (type text, at text, task_id uuid, progress task_progress_view);

-- RFC 3339, UTC, always with microseconds. These functions are single expressions, so that the planner inlines them.
create function instant(moment timestamptz) returns text language sql stable
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

create function task_progress_of(t task) returns task_progress_view language sql stable
return row(t.percent, t.phase, t.message, instant(t.progressed_at))::task_progress_view;

create function task_view_of(t task) returns task_view language sql stable
return row(
    t.id, t.type, t.params, t.status, t.priority, task_progress_of(t), t.result, t.error, t.attempt, t.max_attempts,
    t.unique_key, instant(t.run_at), instant(t.created_at), instant(t.started_at), instant(t.finished_at)
)::task_view;

create function task_json(t task) returns json language sql stable
return row_to_json(task_view_of(t));

-- The body of an event: stored, published and recovered with the same bytes. The task comes last.
create function task_event(type text, at timestamptz, t task) returns json language sql stable
return row_to_json(row(type, instant(at), t.user_id, task_view_of(t))::task_event_view);

create function task_failure(at timestamptz, t task) returns json language sql stable
return row_to_json(
    row('task.failed', instant(at), t.user_id, t.status = 'pending', task_view_of(t))::task_failure_view);

-- When the next attempt comes after a number of them: 1 s, 2 s, 4 s ..., stretched by jitter, at most 100 s.
create function task_backoff(attempt smallint, jitter double precision) returns interval language sql immutable
return make_interval(secs => least(100, 2 ^ least(attempt - 1, 10) * jitter));

-- How many more tasks of a type may run. Whoever asks for a limited type holds its lock (see take_tasks), so that
-- houses that lease at the same time cannot pass its limit together.
create function task_room(a_type text, a_max integer, limits json) returns integer language sql volatile
return case
    when limits ->> a_type is null then a_max
    else greatest(0, least(a_max,
        (limits ->> a_type)::integer - (select count(*) from task where status = 'running' and type = a_type)::integer))
end;

-- Lease up to a_max due tasks of these types: the highest priority first, then the oldest.
create function lease_tasks(
    a_types text[], a_max integer, a_lease_seconds integer, a_worker text, a_at timestamptz, limits json
) returns setof task language plpgsql volatile as $$
declare
    rooms integer[] := array(select task_room(type, a_max, limits) from unnest(a_types) as type);
begin
    -- As an array, since the planner takes the limits for a tenth of the table, and would read all of it to join.
    return query
    update task t set
        status = 'running', due = false, attempt = t.attempt + 1, started_at = a_at, finished_at = null,
        percent = 0, phase = null, message = null, progressed_at = null,
        lease = gen_random_uuid(), lease_seconds = a_lease_seconds,
        lease_expires_at = now() + make_interval(secs => a_lease_seconds), worker = a_worker, n = t.n + 1
    where t.id = any(array(
        select due.id
        from unnest(a_types, rooms) as wanted(type, room)
        cross join lateral (
            select d.id, d.priority, d.created_at from task d
            where d.type = wanted.type and d.status = 'pending' and d.due
            order by d.priority desc, d.created_at, d.id
            limit wanted.room
            for update skip locked
        ) as due
        order by due.priority desc, due.created_at, due.id
        limit a_max
    ))
    returning t.*;
end
$$;
