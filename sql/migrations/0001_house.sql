-- What every noun stands on: houses and their fence, events and who has heard them, keys, dead letters, timers.

create sequence incarnation;

create table house (
    id smallint generated always as identity primary key,
    name text not null constraint house_name_key unique,
    incarnation bigint not null constraint house_incarnation_key unique,  -- new at each start
    alive boolean not null,  -- cleared by a newer incarnation or a take-over, under "for update"
    lease_expires_at timestamptz not null,  -- on this database's clock
    started_at timestamptz not null,
    address text not null
);

-- Every transaction that writes asks first: raises PHF01 when this incarnation may write no more. The lock makes
-- whoever declares the house dead wait for transactions that have asked, and lets lease renewals pass.
create function fence(mine bigint) returns boolean language plpgsql volatile as $$
begin
    perform 1 from house where incarnation = mine and alive for key share;
    if not found then
        raise exception 'incarnation % may write no more', mine using errcode = 'PHF01';
    end if;
    return true;
end
$$;

-- Outbox, audit log and realtime history in one.
create table event (
    stream text not null,
    n bigint not null,  -- 1, 2, 3 ... without gaps inside the stream
    type text not null,
    body json not null,
    caller uuid,  -- null: nobody, or the house itself
    cause text not null,  -- the turn that made it
    ordinal smallint not null,  -- 0, 1, 2 ... inside the turn
    house smallint not null,
    lane smallint not null,
    seq bigint not null,  -- the order of commit inside (house, lane), with gaps
    at timestamptz not null,
    -- Made before the primary key, so that a redelivered turn is known as such before it looks like a stale one.
    constraint event_cause_key unique (stream, cause, ordinal)
);
alter table event add constraint event_pkey primary key (stream, n);
create unique index event_seq_key on event (house, lane, seq);
create index event_at on event (at);
create index event_caller on event (caller, at) where caller is not null;

create table consumer (
    name text not null,
    house smallint not null,
    lane smallint not null,
    seq bigint not null,  -- everything up to here was delivered
    primary key (name, house, lane)
);

-- One row: a restored backup gets a new one, so that readers know that history may have forked.
create table history (
    is_only boolean primary key default true check (is_only),
    nonce uuid not null default gen_random_uuid()
);
insert into history default values;

create table idempotency (
    caller text not null,
    route text not null,
    key text not null,
    body_hmac bytea not null,
    object_id text,
    at timestamptz not null,
    constraint idempotency_pkey primary key (caller, route, key)
);
create index idempotency_at on idempotency (at);

create table dead_letter (
    id text primary key,
    kind text not null,
    key text not null,
    message_type text not null,
    message bytea not null,  -- MessagePack, secrets blanked
    caller bytea not null,  -- MessagePack
    error text not null,
    attempts integer not null,
    at timestamptz not null
);
create index dead_letter_at on dead_letter (at);

create table timer (
    id uuid primary key,
    kind text not null,
    key text not null,
    message_type text not null,
    message bytea not null,  -- MessagePack
    due_at timestamptz not null
);
create index timer_due_at on timer (due_at);
