-- name: list_followed_heads :many
-- The last seq of each lane in which something was committed that is followed. Hops on the index "event_followed".
with recursive lane as (
    (
        select house, lane from event
        where type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
            'account.role_changed', 'account.unblocked')
        order by house, lane limit 1
    )
    union all
    select next.house, next.lane
    from lane
    cross join lateral (
        select e.house, e.lane from event e
        where e.type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted',
                'api_key.deleted', 'account.role_changed', 'account.unblocked')
            and (e.house, e.lane) > (lane.house, lane.lane)
        order by e.house, e.lane limit 1
    ) next
)
select lane.house, lane.lane, head.seq
from lane
cross join lateral (
    select e.seq from event e
    where e.type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
            'account.role_changed', 'account.unblocked')
        and e.house = lane.house and e.lane = lane.lane
    order by e.seq desc limit 1
) head

-- name: list_followed :many
-- What other houses have committed behind these positions that is followed, each lane in its order; lanes without a
-- position from their beginning.
-- $1 house smallint (not its own), $2 house smallint[], $3 lane smallint[], $4 after seq bigint[]
with recursive lane as (
    (
        select house, lane from event
        where type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
            'account.role_changed', 'account.unblocked')
        order by house, lane limit 1
    )
    union all
    select next.house, next.lane
    from lane
    cross join lateral (
        select e.house, e.lane from event e
        where e.type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted',
                'api_key.deleted', 'account.role_changed', 'account.unblocked')
            and (e.house, e.lane) > (lane.house, lane.lane)
        order by e.house, e.lane limit 1
    ) next
)
select found.*
from lane
left join unnest($2::smallint[], $3::smallint[], $4::bigint[]) as known (house, lane, seq)
    on known.house = lane.house and known.lane = lane.lane
cross join lateral (
    select e.stream, e.n, e.type, e.body, e.caller, e.cause, e.ordinal, e.house, e.lane, e.seq, e.at from event e
    where e.type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
            'account.role_changed', 'account.unblocked')
        and e.house = lane.house and e.lane = lane.lane and e.seq > coalesce(known.seq, 0)
    order by e.seq limit 500
) found
where lane.house <> $1
order by found.house, found.lane, found.seq
