-- What leaves the house for people who are not here. Rows are written in the turn that decides them; afterwards they
-- are shared: only conditional statements of the channel's workers and of administrators change them.

create table outgoing (
    id              uuid        primary key,
    user_id         uuid        not null references account on delete cascade,
    channel         text        not null check (channel in ('email', 'sms', 'push')),
    parcel          uuid        not null,             -- rows that go out together: the person's id while a digest may still grow
    source          text,                             -- what it stems from: an inbox takes each source once; null: no inbox
    notification_id uuid,                             -- nobody's inbox need have it; null: no notification
    type            text        not null,
    title           text        not null,
    body            text        not null,
    data            json        not null,
    priority        text        not null check (priority in ('low', 'normal', 'high', 'critical')),
    sealed          bytea,                            -- content with a secret in it, encrypted by a key of the data folder
    address         text,                             -- null: as the address book says when it is sent; else one of several
    state           text        not null default 'waiting' check (state in ('waiting', 'sent', 'dead', 'dropped')),
    attempts        integer     not null default 0,
    due_at          timestamptz not null,
    expires_at      timestamptz,                      -- dropped when it has not gone out by then
    lease           uuid,                             -- whoever holds it is sending it
    leased_until    timestamptz,                      -- on this database's clock
    error           text,                             -- why the last attempt failed, or why it was dropped
    created_at      timestamptz not null,
    ended_at        timestamptz                       -- sent, dead or dropped
) with (fillfactor = 70);
create index outgoing_due on outgoing (channel, due_at) where state = 'waiting';
create index outgoing_parcel on outgoing (channel, parcel) where state = 'waiting';
create index outgoing_user on outgoing (user_id, source);
create index outgoing_state on outgoing (state, id desc);
create index outgoing_ended on outgoing (ended_at) where state in ('sent', 'dropped');
