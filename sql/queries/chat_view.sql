-- name: list_chats :many
-- Chats as a member sees them: one, or a page of theirs by last activity. ``unread`` is what others have written behind
-- the mark, as far as 1,001; null where more than 10,000 messages lie there: counting must not grow with the chat.
-- $1 user_id uuid, $2 chat_id uuid (null: a page), $3 before active_at or null, $4 before id, $5 limit integer
with page as materialized (
    select chat_id, role, muted from chat_member where chat_id = $2 and user_id = $1
    union all
    (select m.chat_id, m.role, m.muted
     from chat_member m join chat c on c.id = m.chat_id
     where $2 is null and m.user_id = $1 and (c.active_at, c.id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
     order by c.active_at desc, c.id desc
     limit $5)
)
select c.id, c.kind, c.name, c.description, c.notice, c.owner_id, c.members_count, c.last_seq, c.active_at, c.created_at,
    p.role, p.muted, r.seq as read_seq, peer.user_id as peer_id, peer.username as peer_name,
    row_to_json(newest) as last_message,
    case when c.last_seq - r.seq <= 10000 then
        (select count(*) from (  -- in order, so that it is the index that is read
            select from chat_message m where m.chat_id = c.id and m.seq > r.seq and m.sender_id <> $1
            order by m.seq limit 1001) as behind)
    end as unread
from page p
join chat c on c.id = p.chat_id
join chat_read r on r.chat_id = p.chat_id and r.user_id = $1
left join lateral (  -- the limit keeps groups out of it: else all their members would be read, and thrown away
    select user_id, username from chat_member m where c.kind = 'direct' and m.chat_id = c.id and m.user_id <> $1 limit 1
) as peer on true
left join lateral (
    select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
    from chat_message m where m.chat_id = c.id and m.seq = c.last_seq
) as newest on true
order by c.active_at desc, c.id desc;

-- name: list_members :many
-- A page of members, those who came first first. No row: not for the viewer; an empty one: nobody.
-- $1 chat_id uuid, $2 viewer uuid, $3 after joined_at or null, $4 after user_id, $5 limit integer
select m.*
from chat_member me
left join lateral (
    select m.user_id, m.username, m.role, m.muted, m.silenced, m.joined_at, r.seq as read_seq
    from (
        select * from chat_member
        where chat_id = $1 and (joined_at, user_id) > (coalesce($3::timestamptz, '-infinity'), $4::uuid)
        order by joined_at, user_id
        limit $5) as m
    join chat_read r using (chat_id, user_id)
) as m on true
where me.chat_id = $1 and me.user_id = $2
order by m.joined_at, m.user_id;

-- name: get_member :one
-- A member as the viewer, a member too, sees them.
-- $1 chat_id uuid, $2 viewer uuid, $3 user_id uuid
select m.user_id, m.username, m.role, m.muted, m.silenced, m.joined_at, r.seq as read_seq
from chat_member me
join chat_member m on m.chat_id = me.chat_id and m.user_id = $3
join chat_read r on r.chat_id = m.chat_id and r.user_id = m.user_id
where me.chat_id = $1 and me.user_id = $2;

-- name: list_messages_before :many
-- Messages of a chat, newest first. No row: not for the viewer; an empty one: no such messages.
-- $1 chat_id uuid, $2 viewer uuid, $3 after seq, $4 before seq, $5 limit integer
select m.*
from chat_member me
left join lateral (
    select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
    from chat_message where chat_id = me.chat_id and seq > $3::bigint and seq < $4::bigint
    order by seq desc limit $5
) as m on true
where me.chat_id = $1 and me.user_id = $2
order by m.seq desc;

-- name: list_messages_after :many
-- Messages of a chat, oldest first. No row: not for the viewer; an empty one: no such messages.
-- $1 chat_id uuid, $2 viewer uuid, $3 after seq, $4 before seq, $5 limit integer
select m.*
from chat_member me
left join lateral (
    select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
    from chat_message where chat_id = me.chat_id and seq > $3::bigint and seq < $4::bigint
    order by seq limit $5
) as m on true
where me.chat_id = $1 and me.user_id = $2
order by m.seq;

-- name: find_messages_before :many
-- Those of a chat that fit a query, newest first. A common word fills the page from the 1,000 nearest messages; only for
-- a rare one is the index of words asked, whose answer is sorted whole. Rows as of `list_messages_before`.
-- $1 chat_id uuid, $2 viewer uuid, $3 after seq, $4 before seq, $5 limit integer, $6 query text (null: finds nothing)
with near as materialized (
    select id, seq from (
        select id, seq, words from chat_message where chat_id = $1 and seq > $3::bigint and seq < $4::bigint
        order by seq desc limit 1000) as nearest
    where words @@ $6::text::tsquery
    order by seq desc limit $5
), found as materialized (
    select id, seq from chat_message where words @@ $6::text::tsquery and (select count(*) from near) < $5
)
select m.*
from chat_member me
left join lateral (
    select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
    from chat_message where id in (
        select id from near where (select count(*) from near) >= $5
        union all
        (select id from found where seq > $3::bigint and seq < $4::bigint order by seq desc limit $5))
) as m on true
where me.chat_id = $1 and me.user_id = $2
order by m.seq desc;

-- name: find_messages_after :many
-- As `find_messages_before`, but oldest first.
-- $1 chat_id uuid, $2 viewer uuid, $3 after seq, $4 before seq, $5 limit integer, $6 query text (null: finds nothing)
with near as materialized (
    select id, seq from (
        select id, seq, words from chat_message where chat_id = $1 and seq > $3::bigint and seq < $4::bigint
        order by seq limit 1000) as nearest
    where words @@ $6::text::tsquery
    order by seq limit $5
), found as materialized (
    select id, seq from chat_message where words @@ $6::text::tsquery and (select count(*) from near) < $5
)
select m.*
from chat_member me
left join lateral (
    select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
    from chat_message where id in (
        select id from near where (select count(*) from near) >= $5
        union all
        (select id from found where seq > $3::bigint and seq < $4::bigint order by seq limit $5))
) as m on true
where me.chat_id = $1 and me.user_id = $2
order by m.seq;

-- name: search_messages :many
-- Those of all of a person's chats that fit a query, newest first; each chat is looked through as by
-- `find_messages_before`.
-- $1 user_id uuid, $2 query text (null: finds nothing), $3 before created_at or null, $4 before id, $5 limit integer
with found as materialized (
    select f.id
    from chat_member me
    cross join lateral (
        with near as materialized (
            select id, created_at from (
                select * from chat_message where chat_id = me.chat_id order by seq desc limit 200) as nearest
            where words @@ $2::text::tsquery and (created_at, id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
            order by seq desc limit $5
        )
        select id, created_at from near where (select count(*) from near) >= $5
        union all
        (select id, created_at from chat_message
         where words @@ ($2::text::tsquery && ('''@' || me.chat_id || '''')::tsquery)
           and (select count(*) from near) < $5
           and (created_at, id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
         order by created_at desc, id desc limit $5)
    ) as f
    where me.user_id = $1
    order by f.created_at desc, f.id desc
    limit $5
)
select id, chat_id, seq, sender_id, kind, content, file_id, reply_to, mentions, created_at, edited_at, recalled_at
from found join chat_message using (id)
order by created_at desc, id desc;

-- name: get_message :one
-- A message of one of a person's chats.
-- $1 message_id uuid, $2 user_id uuid
select m.id, m.chat_id, m.seq, m.sender_id, m.kind, m.content, m.file_id, m.reply_to, m.mentions, m.created_at,
    m.edited_at, m.recalled_at
from chat_message m join chat_member me on me.chat_id = m.chat_id and me.user_id = $2
where m.id = $1;

-- name: get_direct :value
-- The direct chat of two people.
-- $1 pair text
select id from chat where pair = $1;

-- name: list_people :many
-- People by id, or by username where there is no such id, in the order of the question; ``id`` is null where there is
-- none, or that person has blocked the caller. ``is_blocked``: the caller has blocked them.
-- $1 caller uuid, $2 id uuid[] (null: only a username), $3 username text[]
select a.id, a.username, exists (select from block where blocker_id = $1 and blocked_id = a.id) as is_blocked
from unnest($2::uuid[], $3::text[]) with ordinality as w (id, name, ord)
left join account a
    on a.id = coalesce((select id from account where id = w.id), (select id from account where lower(username) = lower(w.name)))
    and not exists (select from block where blocker_id = a.id and blocked_id = $1)
order by w.ord;

-- name: mark_read :many
-- Move read marks forward, at most to the newest message. Rows: ord; is_member; seq where the mark has moved, in the
-- first row of each mark. Marks are locked in one order everywhere, so that no two statements wait in a circle.
-- $2 to $4 have no use, since there is no event: a mark is told of live only.
-- $5 chat_id uuid[], $6 user_id uuid[], $7 seq bigint[]
with fence as materialized (select fence($1) as ok, $2::smallint, $3::smallint, $4::bigint),
asked as materialized (
    select * from unnest($5::uuid[], $6::uuid[], $7::bigint[]) with ordinality as r (chat_id, user_id, seq, ord)
    where (select ok from fence)
), wanted as (
    select chat_id, user_id, max(seq) as seq, min(ord) as ord from asked group by chat_id, user_id
), known as materialized (
    select r.chat_id, r.user_id, w.ord, least(w.seq, c.last_seq) as seq
    from wanted w join chat_read r using (chat_id, user_id) join chat c on c.id = r.chat_id
    order by r.chat_id, r.user_id
    for update of r
), moved as (
    update chat_read r set seq = k.seq from known k
    where r.chat_id = k.chat_id and r.user_id = k.user_id and r.seq < k.seq
    returning k.ord, r.seq
)
select a.ord, k.ord is not null as is_member, m.seq
from asked a left join known k using (chat_id, user_id) left join moved m on m.ord = a.ord
order by a.ord;
