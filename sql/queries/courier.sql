-- name: get_couriers :many
-- Couriers with everything that is known of them.
-- $1 user_id uuid[]
select c.user_id, c.n, c.level, c.prefixes, c.parent_id, c.status, c.max_daily_tasks, c.weekly_hours, c.transport,
    c.time_slots, c.since, c.level_since, c.created_at, a.username, a.avatar, l.open_tasks, l.day, l.accepted_today,
    l.rating, l.points, l.delivered, l.failed, l.late, l.last_at
from courier c join account a on a.id = c.user_id join courier_load l using (user_id)
where c.user_id = any ($1);

-- name: list_takers :many
-- Active couriers who may take a task now, with what their score is made of: of the level nearest to the street that has
-- any, among those who have authority where it lies; where there are none, among those who have it where it goes.
-- $1 pickup text, $2 target text, $3 day date, $4 lowest_rating float
select user_id, level, prefixes, rating, points, open_tasks, last_at
from (
    select c.user_id, c.level, c.prefixes, l.rating, l.points, l.open_tasks, l.last_at,
        rank() over (order by covers(c.prefixes, $1) desc, c.level) as place
    from courier c join courier_load l using (user_id)
    where c.status = 'active'
      and c.prefixes && array[left($1, 2), left($1, 4), left($1, 5), $1, left($2, 2), left($2, 4), left($2, 5), $2]
      and l.rating >= $4 and case when $3 > l.day then 0 else l.accepted_today end < c.max_daily_tasks
) as able
where place = 1 order by user_id;

-- name: count_tasks :many
-- Add to what couriers carry, have done and earned; gives the position of each that is theirs to take (all others always),
-- and the points earned. In the order of the batch while a day has places. All in one statement that holds the rows in the
-- order of their ids, so that no two transactions wait for each other in a circle; the courier's own row is held, too, so
-- that nobody is suspended meanwhile. Where a giver is named, they carry one less: a turn that is refused is so as a whole.
-- $1 user_id uuid[], $2 giver uuid[], $3 day date[]; to be added: $4 more integer[] (carried), $5 accepted integer[],
-- $6 delivered integer[], $7 failed integer[], $8 late integer[], $9 rating float[], $10 points integer[],
-- $11 first_points integer[] (more, for the first delivery); conditions, or null: $12 pickup text[], $13 target text[],
-- $14 lowest_rating float[]; $15 at timestamptz[]
with asked as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
                         $8::integer[], $9::float[], $10::integer[], $11::integer[], $12::text[], $13::text[],
                         $14::float[], $15::timestamptz[])
        with ordinality as r (user_id, giver, day, more, accepted, delivered, failed, late, rating, points, first_points,
                              pickup, target, lowest_rating, at, ord)
), held as materialized (
    select l.user_id, l.day as last_day, l.accepted_today, l.rating as rated, l.delivered as before, c.status, c.prefixes,
        c.max_daily_tasks
    from courier_load l join courier c using (user_id)
    where l.user_id = any ($1 || $2) order by l.user_id for no key update of l for share of c
), fitting as (
    select a.*, greatest(a.day, h.last_day) as on_day, h.max_daily_tasks,
        case when a.day > h.last_day then 0 else h.accepted_today end
            + sum(a.accepted) over (partition by a.user_id, greatest(a.day, h.last_day) order by a.ord) as place,
        h.before + sum(a.delivered) over (partition by a.user_id order by a.ord) as deliveries
    from asked a join held h using (user_id)
    where a.target is null or (h.status = 'active' and h.rated >= a.lowest_rating
                               and (covers(h.prefixes, a.pickup) or covers(h.prefixes, a.target)))
), granted as materialized (
    select *, points + case when delivered = 1 and deliveries = 1 then first_points else 0 end as earned
    from fitting where accepted = 0 or place <= max_daily_tasks
), loaded as (
    update courier_load l
    set open_tasks = greatest(0, l.open_tasks + s.more), day = coalesce(s.day, l.day),
        accepted_today = coalesce(s.taken, l.accepted_today), delivered = l.delivered + s.delivered,
        failed = l.failed + s.failed, late = l.late + s.late, points = greatest(0, l.points + s.earned),
        rating = least(5.0, greatest(1.0, l.rating + s.rating)), last_at = greatest(l.last_at, s.at)
    from (
        select user_id, sum(more) as more, sum(delivered) as delivered, sum(failed) as failed, sum(late) as late,
            sum(earned) as earned, sum(rating) as rating, max(at) as at, max(on_day) filter (where accepted = 1) as day,
            (array_agg(place order by on_day desc, place desc) filter (where accepted = 1))[1] as taken
        from (select user_id, more, delivered, failed, late, earned, rating, at, on_day, accepted, place from granted
              union all
              select giver, -1, 0, 0, 0, 0, 0, at, on_day, 0, 0 from granted where giver is not null) as part
        group by user_id
    ) s where l.user_id = s.user_id
), counted as (
    insert into courier_day (user_id, day, accepted, delivered, failed, late)
    select user_id, case when accepted = 1 then on_day else day end, sum(accepted), sum(delivered), sum(failed), sum(late)
    from granted where accepted + delivered + failed + late > 0 group by 1, 2
    on conflict (user_id, day) do update
    set accepted = courier_day.accepted + excluded.accepted, delivered = courier_day.delivered + excluded.delivered,
        failed = courier_day.failed + excluded.failed, late = courier_day.late + excluded.late
)
select ord, earned from granted order by ord;

-- name: get_state :one
-- A courier as their actor keeps them, with their last application.
-- $1 user_id uuid
select c.user_id, c.n, c.level, c.prefixes, c.parent_id, c.status, c.max_daily_tasks, c.weekly_hours, c.transport,
    c.time_slots, c.since, c.level_since, c.created_at, a.id as a_id, a.user_id as a_user_id, a.kind as a_kind,
    a.level as a_level, a.prefixes as a_prefixes, a.max_daily_tasks as a_max_daily_tasks,
    a.weekly_hours as a_weekly_hours, a.transport as a_transport, a.time_slots as a_time_slots, a.reason as a_reason,
    a.status as a_status, a.note as a_note, a.decided_by as a_decided_by, a.decided_at as a_decided_at,
    a.created_at as a_created_at
from courier c
left join lateral (
    select * from courier_application where user_id = c.user_id order by created_at desc, id desc limit 1
) a on true
where c.user_id = $1;

-- name: lock_couriers :exec
-- Let the tree of couriers change one transaction after the other, over all houses: what is checked stays so.
select pg_advisory_xact_lock(hashtextextended('couriers', 0));

-- name: hold_mandates :many
-- Gives the position of each who is an active courier of that level or above, and whose territory holds the prefixes.
-- $1 user_id uuid[], $2 level smallint[], $3 prefixes json[]
select r.ord
from unnest($1::uuid[], $2::smallint[], $3::json[]) with ordinality as r (user_id, level, prefixes, ord)
join courier c using (user_id)
where c.status = 'active' and c.level >= r.level
  and covers_all(c.prefixes, array(select json_array_elements_text(r.prefixes)));

-- name: take_places :many
-- Gives the position of each who finds a free place in a building, one after the other.
-- $1 user_id uuid[], $2 building text[], $3 places integer[]
select ord from (
    select r.ord, r.places, row_number() over (partition by r.building order by r.ord) + (
        select count(*) from courier c
        where c.level = 1 and c.status = 'active' and c.user_id <> r.user_id
          and exists (select from unnest(c.prefixes) as p where starts_with(p, r.building))
    ) as place
    from unnest($1::uuid[], $2::text[], $3::integer[]) with ordinality as r (user_id, building, places, ord)
) as wanted where place <= places;

-- name: save_couriers :exec
-- Make couriers' rows equal to their state; whoever is new carries nothing.
-- $1 user_id uuid[], $2 n bigint[], $3 level smallint[], $4 prefixes json[], $5 parent_id uuid[], $6 status text[],
-- $7 max_daily_tasks integer[], $8 weekly_hours integer[], $9 transport text[], $10 time_slots json[],
-- $11 since timestamptz[], $12 level_since timestamptz[], $13 created_at timestamptz[]
with saved as (
    insert into courier (user_id, n, level, prefixes, parent_id, status, max_daily_tasks, weekly_hours, transport,
                         time_slots, since, level_since, created_at)
    select user_id, n, level, array(select json_array_elements_text(prefixes)), parent_id, status, max_daily_tasks,
        weekly_hours, transport, time_slots, since, level_since, created_at
    from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::json[], $5::uuid[], $6::text[], $7::integer[],
                $8::integer[], $9::text[], $10::json[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[])
        as r (user_id, n, level, prefixes, parent_id, status, max_daily_tasks, weekly_hours, transport, time_slots,
              since, level_since, created_at)
    on conflict (user_id) do update
    set n = excluded.n, level = excluded.level, prefixes = excluded.prefixes, parent_id = excluded.parent_id,
        status = excluded.status, max_daily_tasks = excluded.max_daily_tasks, weekly_hours = excluded.weekly_hours,
        transport = excluded.transport, time_slots = excluded.time_slots, since = excluded.since,
        level_since = excluded.level_since
)
insert into courier_load (user_id) select * from unnest($1::uuid[]) on conflict do nothing;

-- name: save_applications :exec
-- Make applications equal to their state.
-- $1 id uuid[], $2 user_id uuid[], $3 kind text[], $4 level smallint[], $5 prefixes json[], $6 max_daily_tasks integer[],
-- $7 weekly_hours integer[], $8 transport text[], $9 time_slots json[], $10 reason text[], $11 status text[],
-- $12 note text[], $13 decided_by uuid[], $14 decided_at timestamptz[], $15 created_at timestamptz[]
insert into courier_application (id, user_id, kind, level, prefixes, max_daily_tasks, weekly_hours, transport,
                                 time_slots, reason, status, note, decided_by, decided_at, created_at)
select id, user_id, kind, level, array(select json_array_elements_text(prefixes)), max_daily_tasks, weekly_hours,
    transport, time_slots, reason, status, note, decided_by, decided_at, created_at
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::json[], $6::integer[], $7::integer[], $8::text[],
            $9::json[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::timestamptz[], $15::timestamptz[])
    as r (id, user_id, kind, level, prefixes, max_daily_tasks, weekly_hours, transport, time_slots, reason, status,
          note, decided_by, decided_at, created_at)
on conflict (id) do update
set status = excluded.status, note = excluded.note, decided_by = excluded.decided_by, decided_at = excluded.decided_at;

-- name: check_couriers :many
-- Gives the position of each around whom the tree is sound: the parent is of a higher level with a territory that holds
-- theirs, and so are they for everyone below. A parent who is gone is none.
-- $1 user_id uuid[]
select r.ord
from unnest($1::uuid[]) with ordinality as r (user_id, ord)
join courier c using (user_id)
left join courier p on p.user_id = c.parent_id
where c.status in ('pending', 'rejected')
   or ((p.user_id is null or (p.level > c.level and covers_all(p.prefixes, c.prefixes)))
       and not exists (
           select from courier x where x.parent_id = c.user_id and x.status in ('active', 'suspended')
             and (x.level >= c.level or not covers_all(c.prefixes, x.prefixes))));

-- name: list_territories :many
-- Where those among some people have authority who are active couriers.
-- $1 user_id uuid[]
select user_id, prefixes from courier where user_id = any ($1) and status = 'active';

-- name: list_above :many
-- Who stands above a courier, nearest first.
-- $1 user_id uuid
with recursive above as (
    select p.user_id, p.parent_id, p.level, p.prefixes, p.status, 1 as distance
    from courier c join courier p on p.user_id = c.parent_id where c.user_id = $1
    union all
    select p.user_id, p.parent_id, p.level, p.prefixes, p.status, a.distance + 1
    from above a join courier p on p.user_id = a.parent_id where a.distance < 4
)
select user_id, level, prefixes, status, distance from above order by distance;

-- name: list_parents :many
-- Active couriers of a level whose territory holds all of the prefixes, who lead the fewest first.
-- $1 level smallint, $2 prefixes text[]
select c.user_id from courier c
where c.status = 'active' and c.level = $1 and covers_all(c.prefixes, $2)
order by (select count(*) from courier x where x.parent_id = c.user_id), c.user_id
limit 1;

-- name: list_below :many
-- Couriers below one: directly, or the whole tree; higher levels first.
-- $1 user_id uuid, $2 deep boolean, $3 after level or null, $4 after user_id, $5 limit integer
with recursive below as (
    select user_id, level, 1 as distance from courier where parent_id = $1
    union all
    select x.user_id, x.level, b.distance + 1 from below b join courier x on x.parent_id = b.user_id
    where $2 and b.distance < 4
)
select c.user_id, c.level, c.prefixes, c.parent_id, c.status, c.max_daily_tasks, c.weekly_hours, c.transport,
    c.time_slots, c.since, c.level_since, c.created_at, a.username, a.avatar, l.open_tasks, l.day, l.accepted_today,
    l.rating, l.points, l.delivered, l.failed, l.late, l.last_at
from below b join courier c using (user_id) join account a on a.id = c.user_id join courier_load l using (user_id)
where $3::smallint is null or (-c.level, c.user_id) > (-$3, $4::uuid)
order by c.level desc, c.user_id
limit $5;

-- name: get_application :one
-- One application.
-- $1 id uuid
select id, user_id, kind, level, prefixes, max_daily_tasks, weekly_hours, transport, time_slots, reason, status, note,
    decided_by, decided_at, created_at
from courier_application where id = $1;

-- name: list_applications :many
-- Somebody's applications, and those that are one level below them in their territory; newest first.
-- $1 user_id uuid, $2 sees_all boolean, $3 level smallint or null, $4 prefixes text[], $5 status text or null,
-- $6 before created_at or null, $7 before id, $8 limit integer
select id, user_id, kind, level, prefixes, max_daily_tasks, weekly_hours, transport, time_slots, reason, status, note,
    decided_by, decided_at, created_at
from courier_application
where ($2 or user_id = $1
       or ($3 = level + 1 and covers_all($4, prefixes)))
  and ($5::text is null or status = $5)
  and ($6::timestamptz is null or (created_at, id) < ($6, $7::uuid))
order by created_at desc, id desc
limit $8;

-- name: list_ranking :many
-- Active couriers by points, of a school or of all. The place is counted by whoever asks.
-- $1 school text or null, $2 after points or null, $3 after user_id, $4 limit integer
select c.user_id, c.level, a.username, a.avatar, l.points, l.delivered, l.rating
from courier c join courier_load l using (user_id) join account a on a.id = c.user_id
where c.status = 'active'
  and ($1::text is null or exists (select from unnest(c.prefixes) as p where starts_with(p, $1)))
  and ($2::integer is null or (-l.points, c.user_id) > (-$2, $3::uuid))
order by l.points desc, c.user_id
limit $4;

-- name: list_days :many
-- What a courier did on each of the last days, newest first.
-- $1 user_id uuid, $2 since date
select day, accepted, delivered, failed, late from courier_day where user_id = $1 and day >= $2 order by day desc;

-- name: get_progress :one
-- What a promotion asks for: days on which something was delivered, and active couriers of a level directly below.
-- $1 user_id uuid, $2 level smallint or null (any)
select (select count(*) from courier_day where user_id = $1 and delivered > 0) as active_days,
    (select count(*) from courier where parent_id = $1 and status = 'active' and ($2::smallint is null or level = $2)) as led;

-- name: list_tallies :many
-- What is kept of couriers by number, beside what their days add up to, in order of id.
-- $1 after uuid, $2 limit integer
select l.user_id, l.open_tasks, t.count as tasks, l.delivered, l.failed, l.late, coalesce(d.delivered, 0) as days_delivered,
    coalesce(d.failed, 0) as days_failed, coalesce(d.late, 0) as days_late
from courier_load l
left join lateral (
    select sum(delivered) as delivered, sum(failed) as failed, sum(late) as late from courier_day where user_id = l.user_id
) d on true
cross join lateral (
    select count(*) from delivery
    where courier_id = l.user_id and courier_level is not null and status in ('accepted', 'collected', 'in_transit')
) t
where l.user_id > $1 order by l.user_id limit $2;
