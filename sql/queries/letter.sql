-- name: get_letter :one
-- A letter as its actor keeps it, with its task's columns as task_*.
-- $1 id uuid
select l.n, l.sender_id, l.kind, l.reply_to, l.thread_id, l.recipient_id, l.hides_recipient, l.from_op, l.to_op,
    l.hides_place, l.anonymous, l.visibility, l.deliver_after, l.priority, l.instructions, l.title, l.version, l.status,
    l.code, l.label_code as label, l.couriers, l.task_id, l.created_at, l.changed_at, l.sealed_at, l.collected_at, l.in_transit_at,
    l.delivered_at, l.failed_at, l.read_at, l.sender_archived_at, l.recipient_archived_at,
    d.code as task_code, d.status as task_status, d.courier_id as task_courier_id, d.courier_level as task_courier_level,
    d.from_op as task_from_op, d.to_op as task_to_op, d.current_op as task_current_op, d.priority as task_priority,
    d.points as task_points, d.deadline as task_deadline, d.is_late as task_is_late, d.attempts as task_attempts,
    d.offer_to as task_offer_to, d.offer_until as task_offer_until, d.created_at as task_created_at,
    d.changed_at as task_changed_at
from letter l left join delivery d on d.id = l.task_id
where l.id = $1;

-- name: save_letters :exec
-- Make letters equal to their state.
-- combines: changes letter
-- $1 id uuid[], $2 n bigint[], $3 sender_id uuid[], $4 kind text[], $5 reply_to uuid[], $6 thread_id uuid[],
-- $7 recipient_id uuid[], $8 hides_recipient boolean[], $9 from_op text[], $10 to_op text[], $11 hides_place boolean[],
-- $12 anonymous boolean[], $13 visibility text[], $14 deliver_after timestamptz[], $15 priority text[],
-- $16 instructions text[], $17 title text[], $18 version integer[], $19 status text[], $20 code text[], $21 label_code text[],
-- $22 couriers json[], $23 task_id uuid[], $24 created_at timestamptz[], $25 changed_at timestamptz[], $26 to $31: times,
-- $32 sender_archived_at timestamptz[], $33 recipient_archived_at timestamptz[]
insert into letter (id, n, sender_id, kind, reply_to, thread_id, recipient_id, hides_recipient, from_op, to_op, hides_place,
    anonymous, visibility, deliver_after, priority, instructions, title, version, status, code, label_code, couriers, task_id,
    created_at, changed_at, sealed_at, collected_at, in_transit_at, delivered_at, failed_at, read_at, sender_archived_at,
    recipient_archived_at)
select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::boolean[],
    $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::text[], $14::timestamptz[], $15::text[], $16::text[],
    $17::text[], $18::integer[], $19::text[], $20::text[], $21::text[], $22::json[], $23::uuid[], $24::timestamptz[],
    $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[], $29::timestamptz[],
    $30::timestamptz[], $31::timestamptz[], $32::timestamptz[], $33::timestamptz[])
on conflict (id) do update
set n = excluded.n, recipient_id = excluded.recipient_id, hides_recipient = excluded.hides_recipient,
    from_op = excluded.from_op, to_op = excluded.to_op, hides_place = excluded.hides_place,
    anonymous = excluded.anonymous, visibility = excluded.visibility, deliver_after = excluded.deliver_after,
    priority = excluded.priority, instructions = excluded.instructions, title = excluded.title,
    version = excluded.version, status = excluded.status, code = excluded.code, label_code = excluded.label_code,
    couriers = excluded.couriers, task_id = excluded.task_id, changed_at = excluded.changed_at,
    sealed_at = excluded.sealed_at, collected_at = excluded.collected_at, in_transit_at = excluded.in_transit_at,
    delivered_at = excluded.delivered_at, failed_at = excluded.failed_at, read_at = excluded.read_at,
    sender_archived_at = excluded.sender_archived_at, recipient_archived_at = excluded.recipient_archived_at;

-- name: delete_letters :exec
-- End drafts, with every version.
-- $1 id uuid[]
delete from letter where id = any ($1::uuid[]);

-- name: insert_versions :exec
-- Keep the words of letters.
-- $1 letter_id uuid[], $2 version integer[], $3 title text[], $4 content text[], $5 photos json[], $6 style text[],
-- $7 at timestamptz[]
insert into letter_version (letter_id, version, title, content, photos, style, at)
select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::json[], $6::text[], $7::timestamptz[]);

-- name: delete_versions :exec
-- Forget the oldest versions of letters that have too many.
-- $1 letter_id uuid[], $2 before version integer[]
delete from letter_version v using unnest($1::uuid[], $2::integer[]) as r (letter_id, version)
where v.letter_id = r.letter_id and v.version < r.version;

-- name: get_version :one
-- The words of a letter as they once were.
-- $1 letter_id uuid, $2 version integer
select version, title, content, photos, style, at from letter_version where letter_id = $1 and version = $2;

-- name: insert_reads :exec
-- Begin to count who reads letters.
-- $1 letter_id uuid[]
insert into letter_reads (letter_id, count) select id, 0 from unnest($1::uuid[]) as id;

-- name: get_sealing :one
-- What has to be known before a letter is sealed: whether it says anything, whether its two people let each other write,
-- where they are at home, who is at home where it goes.
-- $1 letter_id uuid
select v.content ~ '\S' or json_array_length(v.photos) > 0 as has_words,
    exists (select from account where id = l.recipient_id) and not exists (
        select from block b
        where b.blocker_id = l.sender_id and b.blocked_id = l.recipient_id
           or b.blocker_id = l.recipient_id and b.blocked_id = l.sender_id) as is_welcome,
    (select code from op_application where user_id = l.sender_id and status = 'approved'
     order by decided_at, code limit 1) as sender_point,
    (select code from op_application where user_id = l.recipient_id and status = 'approved'
     order by decided_at, code limit 1) as recipient_point,
    exists (select from op_area where code = left(l.from_op, 4)) as from_is_known,
    p.user_id is not null as to_is_known,
    case when p.user_id <> l.sender_id then p.user_id end as holder_id
from letter l
join letter_version v on v.letter_id = l.id and v.version = l.version
left join op_application p on p.code = l.to_op and p.status = 'approved'
where l.id = $1;

-- name: is_below :value
-- Whether somebody is a courier in the tree below another.
-- $1 above uuid, $2 below uuid
with recursive up as (
    select parent_id, 1 as height from courier where user_id = $2
    union all
    select c.parent_id, up.height + 1 from up join courier c on c.user_id = up.parent_id where up.height < 10
)
select exists (select from up where parent_id = $1);

-- name: get_person :one
-- Somebody by id, or by username where there is no such id; no row where there is none, or they have blocked the caller.
-- $1 caller uuid, $2 id uuid (null: only a username), $3 username text
select id, username from account a
where a.id = coalesce((select id from account where id = $2), (select id from account where lower(username) = lower($3)))
  and not exists (select from block where blocker_id = a.id and blocked_id = $1);

-- name: get_views :many
-- Letters with their words, as their views are made of them.
-- $1 id uuid[]
select l.id, l.sender_id, s.username as sender_name, l.kind, l.reply_to, l.thread_id, l.recipient_id,
    r.username as recipient_name, l.hides_recipient, l.from_op, l.to_op, l.hides_place, l.anonymous, l.visibility,
    l.deliver_after, l.priority, l.instructions, l.title, l.version, l.status, l.code, l.label_code as label, l.couriers, l.task_id,
    l.created_at, l.changed_at, l.sealed_at, l.collected_at, l.in_transit_at, l.delivered_at, l.failed_at, l.read_at,
    l.sender_archived_at, l.recipient_archived_at, v.content, v.photos, v.style, n.count as read_count,
    coalesce((select is_public from op_application p where p.code = l.to_op and p.status = 'approved'), false)
        as is_to_public,
    coalesce((select is_public from op_application p where p.code = l.from_op and p.status = 'approved'), false)
        as is_from_public
from letter l
join letter_version v on v.letter_id = l.id and v.version = l.version
join letter_reads n on n.letter_id = l.id
left join account s on s.id = l.sender_id
left join account r on r.id = l.recipient_id
where l.id = any ($1);

-- name: list_box :many
-- The ids of a person's letters, those that changed last first. The box says which: drafts, sent, received, archived.
-- $1 user_id uuid, $2 box text, $3 q text or null (as like wants it), $4 before changed_at, $5 before id, $6 limit integer
select l.id, l.changed_at
from letter l
join letter_version v on v.letter_id = l.id and v.version = l.version
where (l.changed_at, l.id) < (coalesce($4::timestamptz, 'infinity'), $5::uuid)
  and case $2
    when 'drafts' then l.sender_id = $1 and l.status in ('draft', 'scheduled') and l.sender_archived_at is null
    when 'sent' then l.sender_id = $1 and l.sealed_at is not null and l.sender_archived_at is null
    when 'received' then l.recipient_id = $1 and l.collected_at is not null and l.recipient_archived_at is null
    else l.sender_id = $1 and l.sender_archived_at is not null
        or l.recipient_id = $1 and l.recipient_archived_at is not null end
  and (l.sender_id = $1 or l.recipient_id = $1)
  and ($3::text is null or l.title ilike $3 or l.code ilike $3
       or (l.sender_id = $1 or l.in_transit_at is not null) and v.content ilike $3)
order by l.changed_at desc, l.id desc
limit $6;

-- name: list_thread :many
-- The ids of a correspondence as far as a person may see it, oldest first.
-- $1 user_id uuid, $2 thread_id uuid, $3 after created_at, $4 after id, $5 limit integer
select l.id, l.created_at from letter l
where l.thread_id = $2 and (l.created_at, l.id) > (coalesce($3::timestamptz, '-infinity'), $4::uuid)
  and (l.sender_id = $1 or l.recipient_id = $1 and l.collected_at is not null)
order by l.created_at, l.id
limit $5;

-- name: list_versions :many
-- What a letter said, newest first.
-- $1 letter_id uuid, $2 before version integer, $3 limit integer
select version, title, content, photos, style, at from letter_version
where letter_id = $1 and version < $2 order by version desc limit $3;

-- name: find_letter :value
-- The id of the letter that has a code.
-- $1 code text
select id from letter where code = $1;

-- name: list_drafts_of :many
-- Letters of these people that nobody has collected.
-- $1 sender_id uuid[]
select id from letter where sender_id = any ($1) and status in ('draft', 'scheduled', 'sealed');

-- name: count_readers :exec
-- Count who reads letters: one per person or address and day.
-- $1 letter_id uuid[], $2 day date[], $3 reader text[]
with seen as (
    insert into letter_reader (letter_id, day, reader)
    select distinct letter_id, day, reader from unnest($1::uuid[], $2::date[], $3::text[]) as r (letter_id, day, reader)
    order by letter_id, day, reader
    on conflict do nothing
    returning letter_id
)
update letter_reads n set count = n.count + s.more
from (select letter_id, count(*) as more from seen group by letter_id) s where n.letter_id = s.letter_id;

-- name: list_steps :many
-- The timeline of a letter, oldest first: its moves, and what was done with its task beside them.
-- $1 stream text, $2 after n bigint, $3 type text[], $4 limit integer
select n, type, body, at from event
where stream = $1 and n > $2 and type = any ($3)
  and (type <> 'delivery.changed'
       or body ->> 'step' not in ('collected', 'in_transit', 'delivered', 'failed', 'available', 'cancelled'))
order by n
limit $4;

-- name: list_accepted_of :many
-- Letters whose task these couriers have accepted and not collected.
-- $1 courier_id uuid[]
select letter_id, courier_id from delivery where courier_id = any ($1) and status = 'accepted';

-- name: list_tallies :many
-- Sealed letters in the order of their ids, with the status of their task, and how many read them by what is kept and by
-- what is there.
-- $1 after id uuid, $2 limit integer
select l.id, l.status, d.status as task_status, l.code is not distinct from d.code as is_one_code, n.count as readers,
    (select count(*) from letter_reader r where r.letter_id = l.id) as rows
from letter l join letter_reads n on n.letter_id = l.id left join delivery d on d.id = l.task_id
where l.id > $1 order by l.id limit $2;

-- name: list_loads :many
-- Couriers who carry another number of tasks than is kept.
select l.user_id, l.open_tasks as kept, count(d.id) as held
from courier_load l
left join delivery d on d.courier_id = l.user_id and d.courier_level is not null
    and d.status in ('accepted', 'collected', 'in_transit')
group by l.user_id, l.open_tasks having l.open_tasks <> count(d.id)
order by l.user_id;

-- name: count_by_day :many
-- What has become of the letters that were sealed in a time, by day (UTC).
-- $1 since timestamptz, $2 until timestamptz
select (sealed_at at time zone 'utc')::date as day, count(*) as sealed,
    count(*) filter (where delivered_at is not null) as delivered, count(*) filter (where status = 'failed') as failed,
    avg(extract(epoch from delivered_at - sealed_at))::float as mean_seconds
from letter where sealed_at >= $1 and sealed_at < $2
group by 1 order by 1 desc;

-- name: count_by_status :many
-- How many of the letters that were sealed in a time have which status.
-- $1 since timestamptz, $2 until timestamptz
select status, count(*) as letters from letter where sealed_at >= $1 and sealed_at < $2 group by 1 order by 1;

-- name: count_by_school :many
-- What has become of the letters that were sealed in a time, by the school they come from.
-- $1 since timestamptz, $2 until timestamptz
select left(from_op, 2) as school, count(*) as sealed, count(*) filter (where delivered_at is not null) as delivered,
    count(*) filter (where status = 'failed') as failed,
    avg(extract(epoch from delivered_at - sealed_at))::float as mean_seconds
from letter where sealed_at >= $1 and sealed_at < $2
group by 1 order by 1;

-- name: get_delivery_times :one
-- How long letters that were sealed in a time took until they were delivered, in seconds.
-- $1 since timestamptz, $2 until timestamptz
select count(*) as delivered, avg(seconds)::float as mean, percentile_cont(0.5) within group (order by seconds)::float as p50,
    percentile_cont(0.9) within group (order by seconds)::float as p90,
    percentile_cont(0.99) within group (order by seconds)::float as p99
from (select extract(epoch from delivered_at - sealed_at)::float as seconds from letter
      where sealed_at >= $1 and sealed_at < $2 and delivered_at is not null) as took;
