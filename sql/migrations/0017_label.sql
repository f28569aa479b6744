-- Labels: codes that are printed before there is a letter. Shared: bound once by a conditional statement of the letter's
-- turn, and from then on changed by its turns alone.

create table label_batch (
    id         uuid        primary key,
    made_by    uuid        not null,
    count      integer     not null check (count > 0),
    note       text        not null,
    expires_at timestamptz not null,
    created_at timestamptz not null
);
create index label_batch_made_by on label_batch (made_by, created_at desc, id desc);

create table label (
    code       text        primary key,
    batch_id   uuid        not null references label_batch,
    status     text        not null check (status in (
        'unbound', 'bound', 'in_transit', 'delivered', 'expired', 'cancelled')),
    letter_id  uuid,                   -- once bound, for ever; a draft may have ended since
    changed_at timestamptz not null
) with (fillfactor = 80);
create index label_batch_labels on label (batch_id, code);
create index label_letter on label (letter_id) where letter_id is not null;
