-- name: get_inbox :one
-- A person's inbox: no row when there is no such person, n = 0 until the inbox's first event.
-- $1 user_id uuid
select i.preferences, coalesce(i.n, 0) as n from account a left join inbox i on i.user_id = a.id where a.id = $1;

-- name: save_inbox :exec
-- Make inboxes equal to their state.
-- combines: changes inbox
-- $1 user_id uuid[], $2 n bigint[], $3 preferences json[]
insert into inbox (user_id, n, preferences)
select * from unnest($1::uuid[], $2::bigint[], $3::json[])
on conflict (user_id) do update set n = excluded.n, preferences = excluded.preferences;

-- name: insert_notification :exec
-- Add entries.
-- combines: changes notification
-- $1 id uuid[], $2 user_id uuid[], $3 source text[], $4 type text[], $5 title text[], $6 body text[], $7 data json[],
-- $8 priority text[], $9 created_at timestamptz[]
insert into notification (id, user_id, source, type, title, body, data, priority, created_at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::json[],
                     $8::text[], $9::timestamptz[]);

-- name: list_taken :many
-- Which of these sources an inbox has taken already: as an entry, as an event, or as something to leave the house.
-- $1 user_id uuid, $2 sources text[]
select source from notification where user_id = $1 and source = any ($2::text[])
union
select cause from event where stream = 'user:' || $1::uuid and cause = any ($2::text[])
union
select source from outgoing where user_id = $1 and source = any ($2::text[]);

-- name: update_read :many
-- Mark single entries as read; the first mark stays. Gives the position of each entry that exists.
-- $1 id uuid[], $2 user_id uuid[], $3 read_at timestamptz[]
update notification t set read_at = coalesce(t.read_at, r.read_at)
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) with ordinality as r (id, user_id, read_at, ord)
where t.id = r.id and t.user_id = r.user_id and t.deleted_at is null
returning r.ord;

-- name: update_all_read :exec
-- Mark whole inboxes as read.
-- $1 user_id uuid[], $2 read_at timestamptz[]
update notification t set read_at = r.read_at
from unnest($1::uuid[], $2::timestamptz[]) as r (user_id, read_at)
where t.user_id = r.user_id and t.read_at is null and t.deleted_at is null;

-- name: delete_notification :many
-- Empty entries and hide them. Gives the position of each that was to be seen.
-- $1 id uuid[], $2 user_id uuid[], $3 deleted_at timestamptz[]
update notification t set deleted_at = r.deleted_at, title = '', body = '', data = '{}'
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) with ordinality as r (id, user_id, deleted_at, ord)
where t.id = r.id and t.user_id = r.user_id and t.deleted_at is null
returning r.ord;

-- name: list_notifications :many
-- A page of an inbox, newest first. What quotes a chat's message that was taken back, or went with its chat, is empty.
-- $1 user_id uuid, $2 unread boolean or null, $3 type text or null, $4 before created_at or null, $5 before id, $6 limit
select id, type, title, data, priority, created_at, read_at, case
    when type in ('message', 'mention') and source like 'chat:%' and not exists (
        select from chat_message m where m.id = (data ->> 'message_id')::uuid and m.recalled_at is null
    ) then '' else body end as body
from notification
where user_id = $1 and deleted_at is null
  and ($2::boolean is null or (read_at is null) = $2)
  and ($3::text is null or type = $3)
  and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
order by created_at desc, id desc
limit $6;

-- name: count_unread :value
-- How many entries of an inbox are unread.
-- $1 user_id uuid
select count(*) from notification where user_id = $1 and read_at is null and deleted_at is null;

-- name: get_job :one
-- One job.
-- $1 id uuid
select n, recipients, notice, total, done, failed, position, finished, created_at from notification_job where id = $1;

-- name: save_job :exec
-- Make jobs equal to their state.
-- $1 id uuid[], $2 n bigint[], $3 recipients json[], $4 notice json[], $5 total bigint[], $6 done bigint[], $7 failed bigint[],
-- $8 position text[], $9 finished boolean[], $10 created_at timestamptz[]
insert into notification_job (id, n, recipients, notice, total, done, failed, position, finished, created_at)
select * from unnest($1::uuid[], $2::bigint[], $3::json[], $4::json[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::text[], $9::boolean[], $10::timestamptz[])
on conflict (id) do update
set n = excluded.n, done = excluded.done, failed = excluded.failed, position = excluded.position,
    finished = excluded.finished;

-- name: count_recipients :value
-- How many people there were when a job began: ids tell, to the millisecond.
-- $1 job id uuid
select count(*) from account where id < $1;

-- name: list_recipients :many
-- The people after a given id who were there when a job began, in order of id.
-- $1 after uuid or null, $2 job id uuid, $3 limit
select id from account where ($1::uuid is null or id > $1) and id < $2 order by id limit $3;

-- name: delete_old_notifications :exec
-- Forget entries from before a moment, a bounded number at a time.
-- $1 before timestamptz, $2 limit
delete from notification where id in (select id from notification where created_at < $1 limit $2);
