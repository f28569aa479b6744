-- name: get_place :one
-- A school (2 characters) or an area (4) with the number of the last event of its stream.
-- $1 code text
select code, n, name, opened_by, opened_at from op_school where code = $1
union all
select code, n, name, opened_by, opened_at from op_area where code = $1;

-- name: save_schools :exec
-- Make schools equal to their state.
-- $1 code text[], $2 n bigint[], $3 name text[], $4 opened_by uuid[], $5 opened_at timestamptz[]
insert into op_school (code, n, name, opened_by, opened_at)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::uuid[], $5::timestamptz[])
on conflict (code) do update set n = excluded.n, name = excluded.name;

-- name: save_areas :exec
-- Make areas equal to their state.
-- $1 code text[], $2 school text[], $3 n bigint[], $4 name text[], $5 opened_by uuid[], $6 opened_at timestamptz[]
insert into op_area (code, school, n, name, opened_by, opened_at)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::timestamptz[])
on conflict (code) do update set n = excluded.n, name = excluded.name;

-- name: list_schools :many
-- Schools by code.
-- $1 after code or null, $2 limit integer
select code, name, opened_by, opened_at from op_school where $1::text is null or code > $1 order by code limit $2;

-- name: list_areas :many
-- The areas of a school by code.
-- $1 school text, $2 after code or null, $3 limit integer
select code, name, opened_by, opened_at from op_area
where school = $1 and ($2::text is null or code > $2) order by code limit $3;

-- name: list_known :many
-- Which of these codes stand for something: a school, an area, or a point that somebody holds.
-- $1 code text[]
select code from op_school where code = any ($1)
union all select code from op_area where code = any ($1)
union all select code from op_application where code = any ($1) and status = 'approved'
order by code;

-- name: list_codes :many
-- The codes of an area that somebody holds.
-- $1 area text
select code from op_application where area = $1 and status = 'approved';

-- name: get_point :one
-- A point that somebody holds, with the names of its area and school.
-- $1 code text
select p.id as application_id, p.code, p.user_id as holder_id, p.area, p.type, p.name, p.address, p.is_public,
    a.name as area_name, s.name as school_name, h.username, h.avatar, h.courier_level
from op_application p join op_area a on a.code = p.area join op_school s on s.code = a.school
join account h on h.id = p.user_id
where p.code = $1 and p.status = 'approved';

-- name: get_names :one
-- The names of an area's school and of the area (null where the code is a school's).
-- $1 code text
select s.name as school_name, a.name as area_name
from op_school s left join op_area a on a.code = $1 where s.code = left($1, 2);

-- name: get_application :one
-- One application.
-- $1 id uuid
select id, n, user_id, area, type, name, address, reason, is_public, status, code, note, decided_by, decided_at, created_at
from op_application where id = $1;

-- name: save_applications :exec
-- Make applications equal to their state.
-- $1 id uuid[], $2 n bigint[], $3 user_id uuid[], $4 area text[], $5 type text[], $6 name text[], $7 address text[],
-- $8 reason text[], $9 is_public boolean[], $10 status text[], $11 code text[], $12 note text[], $13 decided_by uuid[],
-- $14 decided_at timestamptz[], $15 created_at timestamptz[]
insert into op_application (id, n, user_id, area, type, name, address, reason, is_public, status, code, note, decided_by,
                            decided_at, created_at)
select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::boolean[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamptz[],
                     $15::timestamptz[])
on conflict (id) do update
set n = excluded.n, status = excluded.status, code = excluded.code, note = excluded.note,
    decided_by = excluded.decided_by, decided_at = excluded.decided_at;

-- name: list_applications :many
-- Somebody's applications, and those of the areas in a territory; newest first.
-- $1 user_id uuid, $2 sees_all boolean, $3 prefixes text[], $4 status text or null, $5 before created_at or null,
-- $6 before id, $7 limit integer
select id, n, user_id, area, type, name, address, reason, is_public, status, code, note, decided_by, decided_at, created_at
from op_application
where ($2 or user_id = $1 or covers($3, area))
  and ($4::text is null or status = $4)
  and ($5::timestamptz is null or (created_at, id) < ($5, $6::uuid))
order by created_at desc, id desc
limit $7;
