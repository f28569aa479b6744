-- OP codes: schools (1-2), their areas or buildings (3-4), and points (5-6) that people apply for.

-- Owned by the actor op_code:<code>, as areas are.
create table op_school (
    code      text        primary key check (code ~ '^[A-Z0-9]{2}$'),
    n         bigint      not null,  -- number of the last event of the stream op_code:<code>
    name      text        not null,
    opened_by uuid        not null,
    opened_at timestamptz not null
);

create table op_area (
    code      text        primary key check (code ~ '^[A-Z0-9]{4}$'),
    school    text        not null references op_school,
    n         bigint      not null,
    name      text        not null,
    opened_by uuid        not null,
    opened_at timestamptz not null
);

-- Owned by the actor op_application:<id>. One that was approved is a point, until its holder leaves it.
create table op_application (
    id         uuid        primary key,
    n          bigint      not null,  -- number of the last event of the stream op_application:<id>
    user_id    uuid        not null references account on delete cascade,
    area       text        not null references op_area,
    type       text        not null check (type in ('dormitory', 'shop', 'box', 'club')),
    name       text        not null,
    address    text        not null,
    reason     text        not null,
    is_public  boolean     not null,
    status     text        not null check (status in ('pending', 'approved', 'rejected', 'released')),
    code       text        check (code ~ '^[A-Z0-9]{6}$' and starts_with(code, area)),
    note       text        not null,  -- of who decided
    decided_by uuid,
    decided_at timestamptz,
    created_at timestamptz not null,
    check ((status in ('approved', 'released')) = (code is not null))
);
create unique index op_application_code_key on op_application (code) where status = 'approved';
create index op_application_user on op_application (user_id, created_at desc, id desc);
create index op_application_list on op_application (created_at desc, id desc);
create index op_application_waiting on op_application (area, created_at desc, id desc) where status = 'pending';
