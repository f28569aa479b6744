-- Reports: what people tell the house of messages that should not be there. Owned by the report's actor.

-- No reference to chat or account: a report outlives what it is about, and who made it.
create table report (
    id          uuid        primary key,
    n           bigint      not null,  -- number of the last event of the stream report:<id>
    reporter_id uuid        not null,
    message_id  uuid        not null,
    message     json        not null,  -- as it was
    reason      text        not null check (reason in ('spam', 'abuse', 'illegal', 'other')),
    comment     text        not null,  -- of who made it
    status      text        not null check (status in ('open', 'resolved', 'dismissed')),
    note        text        not null,  -- of who handled it
    handled_by  uuid,                  -- null: nobody yet
    handled_at  timestamptz,
    created_at  timestamptz not null,
    constraint report_once_key unique (reporter_id, message_id)
);
create index report_list on report (created_at desc, id desc);
create index report_open on report (created_at desc, id desc) where status = 'open';
