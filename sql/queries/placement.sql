-- name: list_living :many
-- Houses that are alive. A lease that has run out makes nobody dead by itself: another house has to say so.
select id, incarnation, alive, lease_expires_at < clock_timestamp() as is_expired, is_leaving,
    counts_until > clock_timestamp() as is_counted,
    extract(epoch from clock_timestamp() - heard_at)::double precision as heard_seconds_ago
from house where alive order by id

-- name: list_partitions :many
-- Every partition with its living owner, or nobody.
select p.number, h.incarnation, p.epoch
from partition p left join house h on h.incarnation = p.incarnation and h.alive
order by p.number

-- name: claim_partitions :many
-- Become the owner of partitions that are nobody's, or ours already; the fence makes whoever declares us dead wait.
-- $1 incarnation bigint, $2 numbers smallint[]
with free as materialized (
    select p.number from partition p
    where p.number = any($2::smallint[]) and (select fence($1)) and not exists (
        select from house h where h.incarnation = p.incarnation and h.alive and h.incarnation <> $1
    )
    order by p.number for update
)
update partition set incarnation = $1, epoch = partition.epoch + 1
from free where free.number = partition.number
and not exists (
    select from house h where h.incarnation = partition.incarnation and h.alive and h.incarnation <> $1
)
returning partition.number, partition.epoch

-- name: release_partitions :exec
-- Let partitions go that are still ours, in the very epoch in which we gave them up.
-- $1 incarnation bigint, $2 numbers smallint[], $3 epochs bigint[]
with gone as materialized (
    select p.number from partition p join unnest($2::smallint[], $3::bigint[]) as ours (number, epoch) using (number)
    where p.incarnation = $1 and p.epoch = ours.epoch order by p.number for update of p
)
update partition set incarnation = null from gone where gone.number = partition.number

-- name: update_house_joined :exec
-- We can serve: count on us from now on.
-- $1 incarnation bigint
update house set counts_until = 'infinity' where incarnation = $1

-- name: update_house_leaving :exec
-- We are about to stop: give us nothing any more.
-- $1 incarnation bigint
update house set is_leaving = true where incarnation = $1

-- name: terminate_expired :many
-- End the connections of a house whose lease has run out, and wait for each up to 2 s: a transaction that it has open
-- would hold up whoever declares it dead.
-- $1 incarnation bigint
select pid, pg_terminate_backend(pid, 2000) as is_gone
from pg_stat_activity a join house h on a.application_name = 'posthouse/' || h.name || '/' || h.incarnation
where a.datname = current_database() and h.incarnation = $1 and h.alive and h.lease_expires_at < clock_timestamp()

-- name: update_house_dead :many
-- Declare a house dead whose lease has run out; waits for transactions of its that have asked the fence.
-- $1 incarnation bigint
with lost as materialized (
    select id from house where incarnation = $1 and alive and lease_expires_at < clock_timestamp() for update
)
update house set alive = false from lost where house.id = lost.id returning house.id

