-- name: list_followed_heads :many
-- The last seq of each lane in which something was committed that is followed.
select lane.house, lane.lane, head.seq
from followed_lane lane
cross join lateral (
    select e.seq from followed_event e where e.house = lane.house and e.lane = lane.lane order by e.seq desc limit 1
) head

-- name: list_followed :many
-- What other houses have committed behind these positions that is followed, each lane in its order; lanes without a
-- position from their beginning.
-- $1 house smallint (not its own), $2 house smallint[], $3 lane smallint[], $4 after seq bigint[]
select found.*
from followed_lane lane
left join unnest($2::smallint[], $3::smallint[], $4::bigint[]) as known (house, lane, seq)
    on known.house = lane.house and known.lane = lane.lane
cross join lateral (
    select e.stream, e.n, e.type, e.body, e.caller, e.cause, e.ordinal, e.house, e.lane, e.seq, e.at
    from followed_event e
    where e.house = lane.house and e.lane = lane.lane and e.seq > coalesce(known.seq, 0)
    order by e.seq limit 500
) found
where lane.house <> $1
order by found.house, found.lane, found.seq
