-- name: get_report :one
-- One report.
-- $1 id uuid
select id, n, reporter_id, message, reason, comment, status, note, handled_by, handled_at, created_at
from report where id = $1;

-- name: save_report :exec
-- Make reports equal to their state.
-- $1 id uuid[], $2 n bigint[], $3 reporter_id uuid[], $4 message_id uuid[], $5 message json[], $6 reason text[],
-- $7 comment text[], $8 status text[], $9 note text[], $10 handled_by uuid[], $11 handled_at timestamptz[],
-- $12 created_at timestamptz[]
insert into report (id, n, reporter_id, message_id, message, reason, comment, status, note, handled_by, handled_at, created_at)
select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::json[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::uuid[], $11::timestamptz[], $12::timestamptz[])
on conflict (id) do update
set n = excluded.n, status = excluded.status, note = excluded.note, handled_by = excluded.handled_by,
    handled_at = excluded.handled_at;

-- name: list_reports :many
-- A page of reports, newest first.
-- $1 status text or null, $2 before created_at or null, $3 before id, $4 limit integer
select id, n, reporter_id, message, reason, comment, status, note, handled_by, handled_at, created_at
from report
where ($1::text is null or status = $1)
  and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
order by created_at desc, id desc
limit $4;

-- name: get_reported :one
-- A message of one of a person's chats as it is now, with the id of their report of it (null: none yet).
-- $1 chat_id uuid, $2 message_id uuid, $3 user_id uuid
select m.id, m.chat_id, m.seq, m.sender_id, m.kind, m.content, m.file_id, m.reply_to, m.mentions, m.created_at,
    m.edited_at, m.recalled_at, r.id as report_id
from chat_message m
join chat_member me on me.chat_id = m.chat_id and me.user_id = $3
left join report r on r.reporter_id = $3 and r.message_id = m.id
where m.chat_id = $1 and m.id = $2;
