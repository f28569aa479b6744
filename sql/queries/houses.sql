-- name: list_houses :many
-- Houses in the order of their ids. One whose lease has run out is not alive, whether or not anybody has noticed.
-- Where no living house owns a partition, mail stays in memory, and a living house has all of them.
-- $1 after id or null, $2 limit
with owned as (
    select h.id, count(*)::integer as partitions
    from partition p join house h on h.incarnation = p.incarnation and h.alive
    group by h.id
)
select id, name, address, alive, lease_expires_at, case
        when not alive then 0
        when exists (select from owned) then coalesce((select partitions from owned where owned.id = known.id), 0)
        else 256
    end as partitions,
    case when alive then lag else 0 end as lag, case when alive then pending else 0 end as pending, hand_overs
from (
    select id, name, address, alive and lease_expires_at > clock_timestamp() as alive, lease_expires_at,
        lag, pending, hand_overs
    from house
) known
where $1::smallint is null or id > $1
order by id
limit $2;

-- name: update_house_figures :exec
-- What a house says of its mail.
-- $1 incarnation bigint, $2 lag integer, $3 pending integer, $4 hand_overs bigint
update house set lag = $2, pending = $3, hand_overs = $4
where incarnation = $1 and (lag, pending, hand_overs) is distinct from ($2, $3, $4);
