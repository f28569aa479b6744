-- name: get_chat :one
-- A room as its actor keeps it: the chat's row, and its members as JSON, which are so of one moment.
-- $1 id uuid
select n, kind, name, description, notice, owner_id, members_count, last_seq, active_at, created_at,
    (select coalesce(json_agg(m), '[]')
     from (select user_id, username, role, muted, silenced, joined_at from chat_member where chat_id = c.id) m) as members
from chat c where id = $1;

-- name: get_message :one
-- A message of a chat.
-- $1 chat_id uuid, $2 id uuid
select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
from chat_message where chat_id = $1 and id = $2;

-- name: get_sent :one
-- The message that its sender has named so.
-- $1 chat_id uuid, $2 sender_id uuid, $3 client_id text
select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
from chat_message where chat_id = $1 and sender_id = $2 and client_id = $3;

-- name: list_recalled :many
-- Those of these messages that were taken back.
-- $1 id uuid[]
select id from chat_message where id = any ($1) and recalled_at is not null;

-- name: insert_chat :exec
-- Found chats.
-- $1 id uuid[], $2 kind text[], $3 pair text[], $4 name text[], $5 description text[], $6 owner_id uuid[],
-- $7 created_at timestamptz[]
insert into chat (id, n, kind, pair, name, description, notice, owner_id, members_count, last_seq, active_at, created_at)
select id, 0, kind, pair, name, description, '', owner_id, 0, 0, created_at, created_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[])
    as r (id, kind, pair, name, description, owner_id, created_at);

-- name: save_chat :exec
-- Make chats equal to their state, but for what people name.
-- combines: changes chat
-- $1 id uuid[], $2 n bigint[], $3 owner_id uuid[], $4 members_count integer[], $5 last_seq bigint[],
-- $6 active_at timestamptz[]
update chat c
set n = r.n, owner_id = r.owner_id, members_count = r.members_count, last_seq = r.last_seq, active_at = r.active_at
from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::integer[], $5::bigint[], $6::timestamptz[])
    as r (id, n, owner_id, members_count, last_seq, active_at)
where c.id = r.id;

-- name: update_card :exec
-- What people name of a chat.
-- $1 id uuid[], $2 name text[], $3 description text[], $4 notice text[]
update chat c set name = r.name, description = r.description, notice = r.notice
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as r (id, name, description, notice)
where c.id = r.id;

-- name: delete_chat :exec
-- End chats, with all that is in them.
-- $1 id uuid[]
delete from chat where id = any ($1::uuid[]);

-- name: insert_member :exec
-- Let people in; what was said before is read.
-- $1 chat_id uuid[], $2 user_id uuid[], $3 username text[], $4 role text[], $5 joined_at timestamptz[], $6 seq bigint[]
with r as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
        as r (chat_id, user_id, username, role, joined_at, seq)
), joined as (
    insert into chat_member (chat_id, user_id, username, role, muted, silenced, joined_at)
    select chat_id, user_id, username, role, false, false, joined_at from r
)
insert into chat_read (chat_id, user_id, seq) select chat_id, user_id, seq from r;

-- name: update_member :exec
-- Make members equal to what the room knows of them.
-- $1 chat_id uuid[], $2 user_id uuid[], $3 role text[], $4 muted boolean[], $5 silenced boolean[]
update chat_member m set role = r.role, muted = r.muted, silenced = r.silenced
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::boolean[])
    as r (chat_id, user_id, role, muted, silenced)
where m.chat_id = r.chat_id and m.user_id = r.user_id;

-- name: delete_member :exec
-- Let people go, and their read marks with them.
-- $1 chat_id uuid[], $2 user_id uuid[]
delete from chat_member m using unnest($1::uuid[], $2::uuid[]) as r (chat_id, user_id)
where m.chat_id = r.chat_id and m.user_id = r.user_id;

-- name: hold_person :many
-- Keep accounts from ending in this transaction; gives the position of each that is there. Who comes in before an account
-- ends is found by those who then take its chats away.
-- $1 user_id uuid[]
select r.ord from account a join unnest($1::uuid[]) with ordinality as r (user_id, ord) on a.id = r.user_id
for key share of a;

-- name: insert_message :exec
-- Add messages.
-- combines: changes chat_message
-- $1 id uuid[], $2 chat_id uuid[], $3 seq bigint[], $4 sender_id uuid[], $5 kind text[], $6 content text[],
-- $7 file_id text[], $8 reply_to uuid[], $9 mentions json[], $10 client_id text[], $11 created_at timestamptz[],
-- $12 words text[], each the text form of a tsvector
insert into chat_message (id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, client_id, created_at,
                          words)
select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, client_id, created_at, words::tsvector
from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[],
            $9::json[], $10::text[], $11::timestamptz[], $12::text[])
    as r (id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, client_id, created_at, words);

-- name: update_message :exec
-- Make messages say something else, or nothing.
-- combines: changes chat_message
-- $1 id uuid[], $2 content text[], $3 file_id text[], $4 mentions json[], $5 edited_at timestamptz[],
-- $6 recalled_at timestamptz[], $7 words text[]
update chat_message m
set content = r.content, file_id = r.file_id, mentions = r.mentions, edited_at = r.edited_at,
    recalled_at = r.recalled_at, words = r.words::tsvector
from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::timestamptz[], $6::timestamptz[], $7::text[])
    as r (id, content, file_id, mentions, edited_at, recalled_at, words)
where m.id = r.id;

-- name: find_message :many
-- Whether messages are of these chats: gives the position of each that is.
-- $1 id uuid[], $2 chat_id uuid[]
select r.ord from chat_message m
join unnest($1::uuid[], $2::uuid[]) with ordinality as r (id, chat_id, ord) on m.id = r.id and m.chat_id = r.chat_id;

-- name: find_peace :many
-- Whether two people let each other write: gives the position of each pair where neither has blocked the other.
-- combines: reads block
-- $1 one uuid[], $2 other uuid[]
select r.ord from unnest($1::uuid[], $2::uuid[]) with ordinality as r (one, other, ord)
where not exists (
    select from block b
    where b.blocker_id = r.one and b.blocked_id = r.other or b.blocker_id = r.other and b.blocked_id = r.one
);
