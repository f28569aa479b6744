-- name: get_courier :one
-- A courier with everything that is known of them.
-- $1 user_id uuid
select c.user_id, c.n, c.level, c.prefixes, c.parent_id, c.status, c.max_daily_tasks, c.weekly_hours, c.transport,
    c.time_slots, c.since, c.level_since, c.created_at, a.username, a.avatar, l.open_tasks, l.day, l.accepted_today,
    l.rating, l.points, l.delivered, l.failed, l.late, l.last_at
from courier c join account a on a.id = c.user_id join courier_load l using (user_id)
where c.user_id = $1;

-- name: list_takers :many
-- Active couriers who may take a task now, with what their score is made of; levels nearest to the street first.
-- $1 pickup text, $2 target text, $3 day date, $4 lowest_rating float, $5 level smallint or null
select c.user_id, c.level, c.prefixes, l.rating, l.points, l.open_tasks, l.last_at
from courier c join courier_load l using (user_id)
where c.status = 'active'
  and c.prefixes && array[left($1, 2), left($1, 4), left($1, 5), $1, left($2, 2), left($2, 4), left($2, 5), $2]
  and l.rating >= $4 and case when $3 > l.day then 0 else l.accepted_today end < c.max_daily_tasks
  and ($5::smallint is null or c.level = $5)
order by c.level, c.user_id;

-- name: accept_tasks :many
-- Count tasks that couriers take, where they may; gives the position of each that is theirs. In the order of the batch
-- while the day has places. The courier's row is held, so that nobody is suspended meanwhile.
-- $1 user_id uuid[], $2 day date[], $3 pickup text[], $4 target text[], $5 lowest_rating float[], $6 at timestamptz[]
with asked as materialized (
    select * from unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::float[], $6::timestamptz[])
        with ordinality as r (user_id, day, pickup, target, lowest_rating, at, ord)
), held as materialized (
    select l.user_id, l.day, l.accepted_today, l.rating, c.prefixes, c.max_daily_tasks
    from courier_load l join courier c using (user_id)
    where l.user_id = any ($1) and c.status = 'active'
    order by l.user_id for no key update of l for share of c
), fitting as (
    select a.user_id, greatest(a.day, h.day) as day, a.at, a.ord, h.max_daily_tasks,
        case when a.day > h.day then 0 else h.accepted_today end
            + row_number() over (partition by a.user_id, greatest(a.day, h.day) order by a.ord) as place
    from asked a join held h using (user_id)
    where h.rating >= a.lowest_rating and (covers(h.prefixes, a.pickup) or covers(h.prefixes, a.target))
), granted as materialized (
    select * from fitting where place <= max_daily_tasks
), loaded as (
    update courier_load l
    set open_tasks = l.open_tasks + g.count, day = g.day, accepted_today = g.place, last_at = greatest(l.last_at, g.at)
    from (
        select distinct on (user_id) user_id, day, place, count(*) over whole as count, max(at) over whole as at
        from granted window whole as (partition by user_id) order by user_id, day desc, place desc
    ) g where l.user_id = g.user_id
), counted as (
    insert into courier_day (user_id, day, accepted)
    select user_id, day, count(*) from granted group by user_id, day order by user_id, day
    on conflict (user_id, day) do update set accepted = courier_day.accepted + excluded.accepted
)
select ord from granted order by ord;

-- name: end_tasks :many
-- Count tasks that couriers carry no longer, and what they have earned or lost by it; gives position and points earned.
-- $1 user_id uuid[], $2 day date[], $3 outcome text[] (released, delivered, failed, late), $4 is_late boolean[],
-- $5 rating float[] (to be added), $6 points integer[] (to be added), $7 first_points integer[] (more, for the first
-- delivery), $8 at timestamptz[]
with asked as materialized (
    select * from unnest($1::uuid[], $2::date[], $3::text[], $4::boolean[], $5::float[], $6::integer[], $7::integer[],
                         $8::timestamptz[])
        with ordinality as r (user_id, day, outcome, is_late, rating, points, first_points, at, ord)
), held as materialized (
    select user_id, delivered from courier_load where user_id = any ($1) order by user_id for no key update
), told as materialized (
    select a.*, a.points + case when h.delivered = 0 and a.outcome = 'delivered' and row_number() over (
        partition by a.user_id, a.outcome order by a.ord) = 1 then a.first_points else 0 end as earned
    from asked a join held h using (user_id)
), loaded as (
    update courier_load l
    set open_tasks = greatest(0, l.open_tasks - s.ended), delivered = l.delivered + s.delivered,
        failed = l.failed + s.failed, late = l.late + s.late, points = greatest(0, l.points + s.earned),
        rating = least(5.0, greatest(1.0, l.rating + s.rating)), last_at = greatest(l.last_at, s.at)
    from (
        select user_id, count(*) as ended, count(*) filter (where outcome = 'delivered') as delivered,
            count(*) filter (where outcome = 'failed') as failed, count(*) filter (where is_late) as late,
            sum(earned) as earned, sum(rating) as rating, max(at) as at
        from told group by user_id
    ) s where l.user_id = s.user_id
), counted as (
    insert into courier_day (user_id, day, delivered, failed, late)
    select user_id, day, count(*) filter (where outcome = 'delivered'), count(*) filter (where outcome = 'failed'),
        count(*) filter (where is_late)
    from told where outcome <> 'released' or is_late group by user_id, day order by user_id, day
    on conflict (user_id, day) do update
    set delivered = courier_day.delivered + excluded.delivered, failed = courier_day.failed + excluded.failed,
        late = courier_day.late + excluded.late
)
select ord, earned from told order by ord;

-- name: move_tasks :many
-- Count tasks that go from a giver's bag to a taker's; gives the position of each whose taker is active and has
-- authority over the place. The giver need not be a courier any more.
-- $1 giver uuid[], $2 taker uuid[], $3 pickup text[], $4 target text[], $5 at timestamptz[]
with asked as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
        with ordinality as r (giver, taker, pickup, target, at, ord)
), held as materialized (
    select l.user_id, c.prefixes, c.status from courier_load l join courier c using (user_id)
    where l.user_id = any ($1 || $2) order by l.user_id for no key update of l for share of c
), moved as materialized (
    select a.* from asked a join held h on h.user_id = a.taker
    where h.status = 'active' and (covers(h.prefixes, a.pickup) or covers(h.prefixes, a.target))
), loaded as (
    update courier_load l
    set open_tasks = greatest(0, l.open_tasks + s.more), last_at = greatest(l.last_at, s.at)
    from (
        select user_id, sum(more) as more, max(at) as at
        from (select giver, -1, at from moved union all select taker, 1, at from moved) as m (user_id, more, at)
        group by user_id
    ) s where l.user_id = s.user_id
)
select ord from moved order by ord;
