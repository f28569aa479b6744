-- name: save_deliveries :exec
-- Make delivery tasks equal to their state.
-- combines: changes delivery
-- $1 id uuid[], $2 letter_id uuid[], $3 code text[], $4 status text[], $5 courier_id uuid[], $6 courier_level smallint[],
-- $7 from_op text[], $8 to_op text[], $9 current_op text[], $10 priority text[], $11 points integer[],
-- $12 deadline timestamptz[], $13 is_late boolean[], $14 attempts integer[], $15 offer_to uuid[],
-- $16 offer_until timestamptz[], $17 created_at timestamptz[], $18 changed_at timestamptz[]
insert into delivery (id, letter_id, code, status, courier_id, courier_level, from_op, to_op, current_op, priority, points,
    deadline, is_late, attempts, offer_to, offer_until, created_at, changed_at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::smallint[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::integer[], $12::timestamptz[], $13::boolean[], $14::integer[], $15::uuid[],
    $16::timestamptz[], $17::timestamptz[], $18::timestamptz[])
on conflict (id) do update
set status = excluded.status, courier_id = excluded.courier_id, courier_level = excluded.courier_level,
    current_op = excluded.current_op, deadline = excluded.deadline, is_late = excluded.is_late,
    attempts = excluded.attempts, offer_to = excluded.offer_to, offer_until = excluded.offer_until,
    changed_at = excluded.changed_at;

-- name: insert_scan :exec
-- Keep scans.
-- combines: changes scan
-- $1 id uuid[], $2 courier_id uuid[], $3 client_scan_id text[], $4 letter_id uuid[], $5 code text[], $6 action text[],
-- $7 op_code text[], $8 lat float[], $9 lng float[], $10 note text[], $11 photo_id text[], $12 scanned_at timestamptz[],
-- $13 at timestamptz[], $14 result text[], $15 refusal json[]
insert into scan (id, courier_id, client_scan_id, letter_id, code, action, op_code, lat, lng, note, photo_id, scanned_at, at,
    result, refusal)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::float[],
    $9::float[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::json[]);

-- name: insert_refused_scan :exec
-- Keep scans that were refused; one that was kept before stays.
-- $1 id uuid[], $2 courier_id uuid[], $3 client_scan_id text[], $4 letter_id uuid[], $5 code text[], $6 action text[],
-- $7 op_code text[], $8 lat float[], $9 lng float[], $10 note text[], $11 photo_id text[], $12 scanned_at timestamptz[],
-- $13 at timestamptz[], $14 result text[], $15 refusal json[]
insert into scan (id, courier_id, client_scan_id, letter_id, code, action, op_code, lat, lng, note, photo_id, scanned_at, at,
    result, refusal)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::float[],
    $9::float[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::json[])
on conflict on constraint scan_client_key do nothing;

-- name: get_scan :one
-- A scan by the name that its phone has given it.
-- $1 courier_id uuid, $2 client_scan_id text
select id, courier_id, client_scan_id, letter_id, code, action, op_code, lat, lng, note, photo_id, scanned_at, at, result,
    refusal
from scan where courier_id = $1 and client_scan_id = $2;

-- name: list_scans :many
-- Scans as they were kept, newest first: somebody's, or those of a letter.
-- $1 courier_id uuid or null, $2 letter_id uuid or null, $3 before at or null, $4 before id, $5 limit integer
select id, courier_id, client_scan_id, letter_id, code, action, op_code, lat, lng, note, photo_id, scanned_at, at, result,
    refusal
from scan
where ($1::uuid is null or courier_id = $1) and ($2::uuid is null or letter_id = $2)
  and (at, id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
order by at desc, id desc
limit $5;

-- name: delete_scans :exec
-- Forget scans from before a moment, the oldest first.
-- $1 before timestamptz, $2 limit integer
delete from scan where id in (select id from scan where at < $1 order by at limit $2);

-- name: find_envelopes :many
-- The letters that codes on envelopes mean: a letter's own, or a label. No row where no such code was ever printed.
-- $1 code text[]
select code, id as letter_id, null as label_status from letter where code = any ($1)
union all
select code, letter_id, status from label where code = any ($1);

-- name: find_task :value
-- The letter of a task.
-- $1 id uuid
select letter_id from delivery where id = $1;

-- name: get_tasks :many
-- Tasks with what couriers should know of their letters.
-- $1 id uuid[]
select d.id, d.letter_id, d.code, l.label_code as label, d.status, d.courier_id, d.from_op, d.to_op, d.current_op, d.priority,
    l.instructions, d.points, d.deadline, d.attempts, d.offer_to, d.offer_until, d.created_at, d.changed_at
from delivery d join letter l on l.id = d.letter_id
where d.id = any ($1);

-- name: list_held :many
-- Tasks that somebody holds or has carried last, those that changed last first.
-- $1 courier_id uuid, $2 status text or null, $3 before changed_at or null, $4 before id, $5 limit integer
select d.id, d.letter_id, d.code, l.label_code as label, d.status, d.courier_id, d.from_op, d.to_op, d.current_op, d.priority,
    l.instructions, d.points, d.deadline, d.attempts, d.offer_to, d.offer_until, d.created_at, d.changed_at
from delivery d join letter l on l.id = d.letter_id
where d.courier_id = $1 and ($2::text is null or d.status = $2)
  and (d.changed_at, d.id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
order by d.changed_at desc, d.id desc
limit $5;

-- name: list_tasks :many
-- Tasks in a territory, those that changed last first. Null prefixes: everywhere.
-- $1 prefixes text[] or null, $2 status text, $3 before changed_at or null, $4 before id, $5 limit integer
select d.id, d.letter_id, d.code, l.label_code as label, d.status, d.courier_id, d.from_op, d.to_op, d.current_op, d.priority,
    l.instructions, d.points, d.deadline, d.attempts, d.offer_to, d.offer_until, d.created_at, d.changed_at
from delivery d join letter l on l.id = d.letter_id
where d.status = $2 and ($1::text[] is null or covers($1, d.current_op) or covers($1, d.to_op))
  and (d.changed_at, d.id) < (coalesce($3::timestamptz, 'infinity'), $4::uuid)
order by d.changed_at desc, d.id desc
limit $5;

-- name: list_near :many
-- Available tasks in a territory, in the order of their distance from a place: there, in its area, in its school; the
-- oldest first. Null prefixes: everywhere.
-- $1 prefixes text[] or null, $2 place text, $3 after distance integer, $4 after created_at, $5 after id, $6 limit integer
select near.distance, d.id, d.letter_id, d.code, l.label_code as label, d.status, d.courier_id, d.from_op, d.to_op, d.current_op,
    d.priority, l.instructions, d.points, d.deadline, d.attempts, d.offer_to, d.offer_until, d.created_at, d.changed_at
from (
    (select 0 as distance, id, created_at from delivery
     where status = 'available' and current_op = $2 and ($1::text[] is null or covers($1, current_op) or covers($1, to_op))
       and (0, created_at, id) > ($3::integer, coalesce($4::timestamptz, '-infinity'), $5::uuid)
     order by created_at, id limit $6)
    union all
    (select 1, id, created_at from delivery
     where status = 'available' and left(current_op, 4) = left($2, 4) and current_op <> $2
       and ($1::text[] is null or covers($1, current_op) or covers($1, to_op))
       and (1, created_at, id) > ($3::integer, coalesce($4::timestamptz, '-infinity'), $5::uuid)
     order by created_at, id limit $6)
    union all
    (select 2, id, created_at from delivery
     where status = 'available' and left(current_op, 2) = left($2, 2) and left(current_op, 4) <> left($2, 4)
       and ($1::text[] is null or covers($1, current_op) or covers($1, to_op))
       and (2, created_at, id) > ($3::integer, coalesce($4::timestamptz, '-infinity'), $5::uuid)
     order by created_at, id limit $6)
    order by distance, created_at, id limit $6
) near
join delivery d on d.id = near.id
join letter l on l.id = d.letter_id
order by near.distance, near.created_at, near.id;

-- name: list_history :many
-- What has happened to a task, oldest first.
-- $1 stream text, $2 task_id text, $3 limit integer
select n, type, body, at from event
where stream = $1 and type in ('delivery.offered', 'delivery.changed') and body ->> 'task_id' = $2
order by n
limit $3;

-- name: get_scanned :many
-- The status of letters with their tasks, once they were scanned.
-- $1 letter_id uuid[]
select l.status as letter_status, d.id, d.letter_id, d.code, l.label_code as label, d.status, d.courier_id, d.from_op, d.to_op,
    d.current_op, d.priority, l.instructions, d.points, d.deadline, d.attempts, d.offer_to, d.offer_until, d.created_at,
    d.changed_at
from letter l join delivery d on d.id = l.task_id
where l.id = any ($1);
