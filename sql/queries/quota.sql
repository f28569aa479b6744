-- name: get_quota :one
-- What an account has used, and its own bounds (null: by role). used_tasks of an earlier month count 0.
-- $1 user_id uuid, $2 month date
select case when month = $2 then used_tasks else 0 end as used_tasks, used_storage, max_tasks, max_storage
from quota where user_id = $1;

-- name: update_bounds :many
-- Give accounts bounds of their own where `sets_` says so; gives position and the quota as it is then.
-- $1 user_id uuid[], $2 month date[], $3 sets_tasks boolean[], $4 max_tasks bigint[], $5 sets_storage boolean[],
-- $6 max_storage bigint[]
update quota q
set max_tasks = case when r.sets_tasks then r.max_tasks else q.max_tasks end,
    max_storage = case when r.sets_storage then r.max_storage else q.max_storage end
from unnest($1::uuid[], $2::date[], $3::boolean[], $4::bigint[], $5::boolean[], $6::bigint[])
    with ordinality as r (user_id, month, sets_tasks, max_tasks, sets_storage, max_storage, ord)
where q.user_id = r.user_id
returning r.ord, case when q.month = r.month then q.used_tasks else 0 end as used_tasks, q.used_storage,
          q.max_tasks, q.max_storage;
