-- What each house says of its mail, so that whoever looks at one sees all of them.

alter table house
    add column lag integer not null default 0,  -- entries in its streams that it has not read
    add column pending integer not null default 0,  -- entries that it has read, and not ended
    add column hand_overs bigint not null default 0;  -- partitions that it has handed over since it started
