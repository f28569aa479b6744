-- name: bind_labels :many
-- Let labels mean letters, once; gives the position of each that was free.
-- combines: changes label
-- $1 code text[], $2 letter_id uuid[], $3 at timestamptz[]
update label l set status = 'bound', letter_id = r.letter_id, changed_at = r.at
from unnest($1::text[], $2::uuid[], $3::timestamptz[]) with ordinality as r (code, letter_id, at, ord)
where l.code = r.code and l.status = 'unbound'
  and not exists (
    select from unnest($1::text[]) with ordinality as earlier (code, ord) where earlier.code = r.code and earlier.ord < r.ord)
returning r.ord;

-- name: follow_labels :exec
-- Let bound labels follow their letters; one that is not where it should be stays.
-- combines: changes label
-- $1 code text[], $2 before text[], $3 after text[], $4 at timestamptz[]
update label l set status = r.after, changed_at = r.at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as r (code, before, after, at)
where l.code = r.code and l.status = r.before;

-- name: insert_batches :exec
-- Keep batches.
-- $1 id uuid[], $2 made_by uuid[], $3 count integer[], $4 note text[], $5 expires_at timestamptz[], $6 created_at timestamptz[]
insert into label_batch (id, made_by, count, note, expires_at, created_at)
select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::timestamptz[], $6::timestamptz[]);

-- name: insert_labels :exec
-- Make labels.
-- $1 code text[], $2 batch_id uuid[], $3 at timestamptz[]
insert into label (code, batch_id, status, changed_at)
select code, batch_id, 'unbound', at from unnest($1::text[], $2::uuid[], $3::timestamptz[]) as r (code, batch_id, at);

-- name: expire_labels :exec
-- End what nobody has bound.
-- $1 batch_id uuid[], $2 before text[], $3 at timestamptz[]
update label l set status = 'expired', changed_at = r.at
from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as r (batch_id, before, at)
where l.batch_id = r.batch_id and l.status = r.before;

-- name: move_labels :many
-- Move labels; gives the position of each that was where it should be.
-- $1 code text[], $2 before text[], $3 after text[], $4 at timestamptz[]
update label l set status = r.after, changed_at = r.at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality as r (code, before, after, at, ord)
where l.code = r.code and l.status = r.before
returning r.ord;

-- name: list_taken :many
-- Those of these codes that labels have.
-- $1 code text[]
select code from label where code = any ($1);

-- name: get_batch :one
-- One batch.
-- $1 id uuid
select id, made_by, count, note, expires_at, created_at from label_batch where id = $1;

-- name: list_batches :many
-- Batches of somebody, or of everybody (null), newest first.
-- $1 made_by uuid or null, $2 before created_at or null, $3 before id, $4 limit integer
select id, made_by, count, note, expires_at, created_at from label_batch
where ($1::uuid is null or made_by = $1) and (created_at, id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
order by created_at desc, id desc limit $4;

-- name: list_labels :many
-- The labels of a batch, by code.
-- $1 batch_id uuid, $2 after code text, $3 limit integer
select code, status, batch_id, letter_id, changed_at from label
where batch_id = $1 and code > $2 order by code limit $3;

-- name: list_codes :many
-- The codes of a page of a batch.
-- $1 batch_id uuid, $2 offset integer, $3 limit integer
select code from label where batch_id = $1 order by code offset $2 limit $3;

-- name: get_label :one
-- A label; ``concerns``: its letter concerns the caller.
-- $1 code text, $2 caller uuid
select l.code, l.status, l.batch_id, l.letter_id, l.changed_at,
    exists (
        select from letter t left join delivery d on d.id = t.task_id
        where t.id = l.letter_id
          and (t.sender_id = $2 or d.courier_id = $2 or t.recipient_id = $2 and t.collected_at is not null)) as concerns
from label l where l.code = $1;
