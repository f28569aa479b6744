-- What every house follows, told once: see "event_followed", which serves both.

create view followed_event as
select * from event
where type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
    'account.role_changed', 'account.unblocked');

create view followed_lane as  -- lanes with something in it; hops on the index from one to the next
with recursive lane as (
    (select house, lane from followed_event order by house, lane limit 1)
    union all
    select next.house, next.lane
    from lane
    cross join lateral (
        select e.house, e.lane from followed_event e
        where (e.house, e.lane) > (lane.house, lane.lane)
        order by e.house, e.lane limit 1
    ) next
)
select house, lane from lane;
