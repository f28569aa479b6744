-- name: list_untold :many
-- Who has not read the newest of what was said in these chats, and watches none of it, in groups of people who are alike:
-- is_told: told in the inbox of something that they have not read yet; those of one chat are one group. The others by
-- muted and read_seq, so that a chat where all have read everything is one group, too. Where as many watch as there are
-- members nobody is looked at, and people is null: who watches is a member, and who came in since has nothing to read.
-- $1 chat_id uuid[], $2 newest seq bigint[], $3 chat_id text[], $4 user_id text[]: who watches what
with watcher as materialized (
    select w.chat_id::uuid, w.user_id::uuid from unnest($3::text[], $4::text[]) as w (chat_id, user_id)
)
select c.id as chat_id, c.kind, c.name, g.is_told, g.muted, g.read_seq, g.people
from unnest($1::uuid[], $2::bigint[]) as said (chat_id, newest)
join chat c on c.id = said.chat_id
cross join lateral (
    select count(*) >= c.members_count as is_watched from watcher w where w.chat_id = c.id
) as a
left join lateral (
    select t.is_told, m.muted and not t.is_told as muted, case when not t.is_told then r.seq end as read_seq,
        array_agg(m.user_id::text) as people
    from chat_member m
    join chat_read r on r.chat_id = m.chat_id and r.user_id = m.user_id
    cross join lateral (select r.told_seq > r.seq as is_told) as t
    where not a.is_watched and m.chat_id = c.id and r.seq < said.newest
      and (m.chat_id, m.user_id) not in (select w.chat_id, w.user_id from watcher w)
    group by 1, 2, 3
) as g on true
where a.is_watched or g.people is not null;

-- name: list_mentioned :many
-- Those of the people whom messages mention who are in the chat, and have not blocked the sender.
-- $1 chat_id uuid[], $2 user_id uuid[], $3 sender_id uuid[]
select said.ord, c.kind, c.name
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality as said (chat_id, user_id, sender_id, ord)
join chat c on c.id = said.chat_id
join chat_member m on m.chat_id = said.chat_id and m.user_id = said.user_id
where not exists (select from block b where b.blocker_id = said.user_id and b.blocked_id = said.sender_id);

-- name: list_joined :many
-- The cards of chats for people who joined them, and are still there.
-- $1 chat_id uuid[], $2 user_id uuid[]
select joined.ord, c.id, c.kind, c.name, c.description, c.notice, c.owner_id, c.members_count, c.created_at
from unnest($1::uuid[], $2::uuid[]) with ordinality as joined (chat_id, user_id, ord)
join chat c on c.id = joined.chat_id
join chat_member m on m.chat_id = joined.chat_id and m.user_id = joined.user_id;

-- name: list_names :many
-- What people are called; who is gone has no name.
-- $1 id uuid[]
select id, username from account where id = any ($1);

-- name: list_chats_of :many
-- The chats that people are in.
-- $1 user_id uuid[]
select user_id, chat_id from chat_member where user_id = any ($1);

-- name: update_told :exec
-- People have been told up to here. Rows that somebody else holds are passed over: who moves their read mark at this
-- moment is reading, and is told again with the next message. So nobody ever waits for anybody here.
-- $1 chat_id uuid[], $2 user_id uuid[], $3 seq bigint[]
update chat_read r set told_seq = t.seq
from (
    select r.chat_id, r.user_id, told.seq
    from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as told (chat_id, user_id, seq)
    join chat_read r on r.chat_id = told.chat_id and r.user_id = told.user_id
    where r.told_seq < told.seq
    for update of r skip locked
) as t
where r.chat_id = t.chat_id and r.user_id = t.user_id;
