-- Inboxes, their entries, and jobs that notify many.

create table inbox (
    user_id     uuid primary key references account (id) on delete cascade,
    n           bigint not null,             -- last event of stream user:<user_id>
    preferences json   not null              -- as the API shows it
);

create table notification (
    id         uuid primary key,
    user_id    uuid        not null references account (id) on delete cascade,
    source     text        not null,         -- what it stems from; an inbox takes each source once
    type       text        not null,
    title      text        not null,
    body       text        not null,
    data       json        not null,
    priority   text        not null check (priority in ('low', 'normal', 'high', 'critical')),
    created_at timestamptz not null,
    read_at    timestamptz,                  -- null: unread
    deleted_at timestamptz,                  -- emptied; the row stays, so that its source is not taken again
    unique (user_id, source)
);
create index notification_list on notification (user_id, created_at desc, id desc) where deleted_at is null;
create index notification_unread on notification (user_id) where read_at is null and deleted_at is null;

create table notification_job (
    id         uuid primary key,
    n          bigint      not null,         -- last event of stream notification_job:<id>
    recipients json        not null,         -- a list of user ids, or "all"
    notice     json        not null,
    total      bigint      not null,
    done       bigint      not null,
    failed     bigint      not null,
    position   text        not null,         -- "all": last user id served; a list: index of the next one
    finished   boolean     not null,
    created_at timestamptz not null
);
create index notification_job_running on notification_job (id) where not finished;
