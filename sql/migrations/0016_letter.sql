-- Letters and the tasks of carrying them. Owned by the letter's actor, one for both: the two cannot disagree.

-- No reference to accounts: a letter outlives who wrote it; drafts go when their writer goes, by their own actors.
create table letter (
    id                    uuid        primary key,
    n                     bigint      not null,  -- number of the last event of the stream letter:<id>
    sender_id             uuid        not null,
    kind                  text        not null check (kind in ('original', 'reply')),
    reply_to              uuid,
    thread_id             uuid        not null,  -- the letter that a correspondence began with; its own id there
    recipient_id          uuid,                  -- null: whoever gets it at to_op
    hides_recipient       boolean     not null,  -- the writer does not know whom they answer: an anonymous sender
    from_op               text,
    to_op                 text,
    hides_place           boolean     not null,  -- the writer has not named to_op, and does not see all of it
    anonymous             boolean     not null,
    visibility            text        not null check (visibility in ('private', 'public')),
    deliver_after         timestamptz,
    priority              text        not null check (priority in ('normal', 'urgent', 'express')),
    instructions          text        not null,  -- for couriers
    title                 text        not null,
    version               integer     not null,  -- of the words: see letter_version
    status                text        not null check (status in (
        'draft', 'scheduled', 'sealed', 'collected', 'in_transit', 'delivered', 'failed', 'read')),
    code                  text        constraint letter_code_key unique,  -- null: not sealed
    label_code            text,
    couriers              json        not null,  -- whoever has carried it, in order
    task_id               uuid,                  -- of the last time it was sealed
    created_at            timestamptz not null,
    changed_at            timestamptz not null,
    sealed_at             timestamptz,
    collected_at          timestamptz,
    in_transit_at         timestamptz,
    delivered_at          timestamptz,
    failed_at             timestamptz,
    read_at               timestamptz,
    sender_archived_at    timestamptz,
    recipient_archived_at timestamptz
) with (fillfactor = 70);
create index letter_sender on letter (sender_id, changed_at desc, id desc);
create index letter_recipient on letter (recipient_id, changed_at desc, id desc) where collected_at is not null;
create index letter_thread on letter (thread_id, created_at, id);
create index letter_sealed on letter (sealed_at) where sealed_at is not null;

-- Every change of the words keeps them; what the letter says is its newest version.
create table letter_version (
    letter_id uuid        not null references letter on delete cascade deferrable initially deferred,
    version   integer     not null,
    title     text        not null,
    content   text        not null,
    photos    json        not null,  -- ids of files: pages written by hand
    style     text        not null check (style in ('classic', 'modern', 'vintage', 'elegant', 'casual')),
    at        timestamptz not null,
    primary key (letter_id, version)
);

-- Shared: who has read a letter by its code, one row per person or address and day. `letter_reads` counts them.
create table letter_reader (
    letter_id uuid not null references letter on delete cascade,
    day       date not null,
    reader    text not null,         -- user id, or a hash of the address
    primary key (letter_id, day, reader)
);
create table letter_reads (
    letter_id uuid   primary key references letter on delete cascade deferrable initially deferred,
    count     bigint not null
) with (fillfactor = 70);

create table delivery (
    id            uuid        primary key,
    letter_id     uuid        not null references letter on delete cascade,
    code          text        not null,              -- of the letter
    status        text        not null check (status in (
        'available', 'accepted', 'collected', 'in_transit', 'delivered', 'failed', 'cancelled')),
    courier_id    uuid,                              -- who holds it; null: nobody
    courier_level smallint,                          -- null: nobody, or an administrator
    from_op       text        not null,
    to_op         text        not null,
    current_op    text        not null,              -- where it was seen last
    priority      text        not null,
    points        integer     not null,              -- what its delivery earns
    deadline      timestamptz,                       -- of who holds it
    is_late       boolean     not null,              -- who holds it is 6 h past the deadline
    attempts      integer     not null,              -- that have failed
    offer_to      uuid,                              -- of a hand-over; null: whoever takes it
    offer_until   timestamptz,                       -- null: it is not handed over
    created_at    timestamptz not null,
    changed_at    timestamptz not null
) with (fillfactor = 70);
create index delivery_letter on delivery (letter_id);
create index delivery_courier on delivery (courier_id, changed_at desc, id desc) where courier_id is not null;
create index delivery_status on delivery (status, changed_at desc, id desc);
-- Near a place: at the point, in its area, in its school.
create index delivery_near_point on delivery (current_op, created_at, id) where status = 'available';
create index delivery_near_area on delivery (left(current_op, 4), created_at, id) where status = 'available';
create index delivery_near_school on delivery (left(current_op, 2), created_at, id) where status = 'available';

-- Shared: only added to. Every scan, those that were refused too.
create table scan (
    id             uuid             primary key,
    courier_id     uuid             not null,
    client_scan_id text             not null,
    letter_id      uuid,                             -- null: no letter has such a code
    code           text             not null,        -- as it was read, normalised where that could be done
    action         text             not null,
    op_code        text             not null,
    lat            double precision,
    lng            double precision,
    note           text             not null,
    photo_id       text,
    scanned_at     timestamptz      not null,        -- as the phone says
    at             timestamptz      not null,        -- when it arrived
    result         text             not null check (result in ('applied', 'repeated', 'refused')),
    refusal        json,                             -- code, detail and the rest, where it was refused
    constraint scan_client_key unique (courier_id, client_scan_id)
);
create index scan_courier on scan (courier_id, at desc, id desc);
create index scan_letter on scan (letter_id, at) where letter_id is not null;
create index scan_at on scan (at);
