-- Couriers: who carries letters, where, under whom; what they asked for; what they carry and have earned.

-- Owned by the courier's actor, with the applications. No reference to the parent: one that is gone leaves its
-- subordinates to the administrators, and changes no row of theirs.
create table courier (
    user_id         uuid        primary key references account on delete cascade,
    n               bigint      not null,  -- number of the last event of the stream courier:<user id>
    level           smallint    not null check (level between 1 and 4),
    prefixes        text[]      not null,
    parent_id       uuid        check (parent_id <> user_id),  -- null: directly under the administrators
    status          text        not null check (status in ('pending', 'active', 'suspended', 'rejected')),
    max_daily_tasks integer     not null check (max_daily_tasks >= 0),
    weekly_hours    integer     not null check (weekly_hours between 0 and 168),
    transport       text        not null check (transport in ('walk', 'bike', 'ebike')),
    time_slots      json        not null,
    since           timestamptz,           -- active for the first time; null: never yet
    level_since     timestamptz,           -- at this level
    created_at      timestamptz not null
);
create index courier_prefixes on courier using gin (prefixes) where status = 'active';
create index courier_parent on courier (parent_id, user_id) where parent_id is not null;

-- What people asked for: to become a courier, or to be promoted. One that waits for each person.
create table courier_application (
    id              uuid        primary key,
    user_id         uuid        not null references courier on delete cascade,
    kind            text        not null check (kind in ('entry', 'promotion')),
    level           smallint    not null check (level between 1 and 4),
    prefixes        text[]      not null,
    max_daily_tasks integer     not null,
    weekly_hours    integer     not null,
    transport       text        not null,
    time_slots      json        not null,
    reason          text        not null,
    status          text        not null check (status in ('pending', 'approved', 'rejected')),
    note            text        not null,  -- of who decided
    decided_by      uuid,                  -- null: nobody yet, or the house by itself
    decided_at      timestamptz,
    created_at      timestamptz not null
);
create unique index courier_application_once_key on courier_application (user_id) where status = 'pending';
create index courier_application_list on courier_application (created_at desc, id desc);
create index courier_application_user on courier_application (user_id, created_at desc, id desc);

-- Shared: changed by conditional statements in the turns of letters. Room in the page keeps updates HOT.
create table courier_load (
    user_id    uuid             primary key references courier on delete cascade,
    open_tasks integer          not null default 0 check (open_tasks >= 0),
    day        date             not null default '-infinity',  -- the day (UTC) that accepted_today counts
    accepted_today integer      not null default 0,
    rating     double precision not null default 5.0 check (rating between 1 and 5),
    points     integer          not null default 0 check (points >= 0),
    delivered  integer          not null default 0,
    failed     integer          not null default 0,
    late       integer          not null default 0,
    last_at    timestamptz                                     -- of the last task that was taken or ended; null: none yet
) with (fillfactor = 70);

create table courier_day (
    user_id   uuid    not null references courier on delete cascade,
    day       date    not null,
    accepted  integer not null default 0,
    delivered integer not null default 0,
    failed    integer not null default 0,
    late      integer not null default 0,
    primary key (user_id, day)
) with (fillfactor = 80);

-- Whether one of the prefixes is a prefix of the code; no prefix, no authority.
create function covers(prefixes text[], code text) returns boolean language sql immutable strict parallel safe
return exists (select from unnest(prefixes) as p where length(p) > 0 and starts_with(code, p));

-- Whether each of the inner prefixes lies in one of the outer ones.
create function covers_all(outer_prefixes text[], inner_prefixes text[]) returns boolean language sql immutable strict parallel safe
return not exists (select from unnest(inner_prefixes) as c where not covers(outer_prefixes, c));
