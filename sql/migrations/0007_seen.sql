-- When people were last connected. Not a turn's doing and no event: a mark that a house may lose when it is killed.

create table seen (
    user_id uuid        primary key references account on delete cascade,
    at      timestamptz not null
) with (fillfactor = 50);  -- changed with every goodbye: room in the page keeps updates HOT
