-- Accounts and what is theirs: credentials, profiles, quotas, sessions, refresh tokens, one-time tokens, API keys.

create table account (
    id                uuid        primary key,
    n                 bigint      not null,  -- number of the last event of the stream account:<id>
    username          text        not null,
    email             text,                  -- null: an administrator that the house made by itself
    phone             text,
    avatar            text,
    role              text        not null check (role in ('user', 'vip', 'admin', 'super_admin')),
    status            text        not null check (status in ('active', 'blocked')),
    courier_level     smallint    check (courier_level between 1 and 4),  -- null: no courier
    email_verified_at timestamptz,
    created_at        timestamptz not null
);
create unique index account_username_key on account (lower(username));
create unique index account_email_key on account (lower(email));
create index account_privileged on account (role, id) where role <> 'user';

create table credential (
    user_id       uuid        primary key references account on delete cascade,
    password_hash text        not null,  -- argon2id in PHC form, parameters and salt included
    changed_at    timestamptz not null
);

create table profile (
    user_id      uuid   primary key references account on delete cascade,
    display_name text   not null,
    bio          text   not null default '',
    tags         text[] not null default '{}',
    school_code  text,
    op_code      text
);

-- Changed with every task that is made: no index beside the key, and room in the page, so that updates stay HOT.
create table quota (
    user_id      uuid   primary key references account on delete cascade,
    month        date   not null,            -- first day of the month (UTC) that used_tasks counts; older: nothing used yet
    used_tasks   bigint not null default 0,
    used_storage bigint not null default 0,  -- bytes; never resets
    max_tasks    bigint check (max_tasks >= 0),   -- null: by role
    max_storage  bigint check (max_storage >= 0)  -- bytes; null: by role
) with (fillfactor = 70);

-- A session is a family of refresh tokens.
create table session (
    id           uuid        primary key,
    user_id      uuid        not null references account on delete cascade,
    n            bigint      not null,  -- number of the last event of the stream session:<id>
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,  -- last rotation
    address      text        not null,
    user_agent   text        not null,
    ended_at     timestamptz,
    ended_reason text
);
create index session_living on session (user_id, id) where ended_at is null;

create table refresh_token (
    hash       bytea       primary key,  -- SHA-256 of 256 random bits
    session_id uuid        not null references session on delete cascade,
    used_at    timestamptz,              -- a second use after this ends the session
    expires_at timestamptz not null
);
create index refresh_token_session on refresh_token (session_id);

-- One-time tokens that travel by mail (or through an administrator).
create table account_token (
    hash       bytea       primary key,  -- SHA-256 of 256 random bits
    user_id    uuid        not null references account on delete cascade,
    purpose    text        not null check (purpose in ('password_reset', 'verify_email')),
    email      text,                     -- the address that verify_email proves
    expires_at timestamptz not null
);
create index account_token_user on account_token (user_id);

create table api_key (
    id         uuid        primary key,
    user_id    uuid        not null references account on delete cascade,
    n          bigint      not null,  -- number of the last event of the stream api_key:<id>
    name       text        not null,
    scopes     text[]      not null,  -- read, write, worker
    hash       bytea       not null,  -- SHA-256 of the secret part (256 random bits)
    created_at timestamptz not null,
    expires_at timestamptz
);
create index api_key_user on api_key (user_id, id);
