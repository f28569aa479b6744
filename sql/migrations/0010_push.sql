-- Browsers that people want to be told in. Shared rows: changed by conditional statements only, and never cached.

create table push (
    id         uuid        primary key,
    user_id    uuid        not null references account on delete cascade,
    endpoint   text        not null constraint push_endpoint_key unique,  -- a browser is told for whoever said so last
    p256dh     bytea       not null check (length(p256dh) = 65),          -- its public key: a point of P-256, uncompressed
    auth       bytea       not null check (length(auth) = 16),            -- the secret that it shares with us
    name       text        not null,
    created_at timestamptz not null,
    renewed_at timestamptz not null                                       -- when it was last subscribed
);
create index push_user on push (user_id, created_at desc, id desc);
