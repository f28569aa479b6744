-- name: create_migration_table :exec
-- Where applied migrations are remembered.
create table if not exists migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
)

-- name: lock_migrations :exec
-- One process migrates at a time; the lock goes with the connection.
select pg_advisory_lock(7130001)

-- name: list_migrations :many
-- What has been applied.
select name, checksum from migration order by name

-- name: insert_migration :exec
-- Remember an applied migration.
-- $1 name text, $2 checksum text
insert into migration (name, checksum) values ($1, $2)

-- name: lock_database :value
-- One house on this database: true when the lock is ours; it goes with the connection.
select pg_try_advisory_lock(7130002)

-- name: list_alive_names :many
-- Houses that were last known alive, newest first.
select name, started_at from house where alive order by started_at desc

-- name: update_house_claimed :one
-- Start a new incarnation; the update waits for transactions that the last one has open. Until it has looked it counts
-- for as long as the last one would have; and, where no other house is at work, for a moment.
-- $1 name text, $2 address text, $3 lease_seconds double precision, $4 together_seconds double precision
insert into house as mine (name, incarnation, alive, lease_expires_at, started_at, address, counts_until)
values ($1, nextval('incarnation'), true, clock_timestamp() + make_interval(secs => $3), clock_timestamp(), $2,
    clock_timestamp() + make_interval(secs => case when exists (
        select from house h where h.name <> $1 and h.alive and h.lease_expires_at > clock_timestamp()
            and not h.is_leaving and h.counts_until = 'infinity'
    ) then 0 else $4 end))
on conflict on constraint house_name_key do update
set incarnation = excluded.incarnation, alive = true, is_leaving = false, address = excluded.address,
    heard_at = null, lease_expires_at = excluded.lease_expires_at, started_at = excluded.started_at,
    counts_until = greatest(excluded.counts_until, case
        when mine.alive and not mine.is_leaving then least(mine.lease_expires_at, mine.counts_until)
    end), lag = 0, pending = 0, hand_overs = 0
returning id, incarnation

-- name: update_others_dead :exec
-- The only house declares every other one dead.
-- $1 id smallint
with lost as materialized (select id from house where alive and id <> $1 for update)
update house set alive = false from lost where house.id = lost.id

-- name: update_lease :value
-- Renew the lease; returns the database's clock, or nothing when this incarnation is dead.
-- $1 incarnation bigint, $2 lease_seconds double precision, $3 heard_seconds_ago double precision (null: not yet)
update house set lease_expires_at = clock_timestamp() + make_interval(secs => $2),
    heard_at = clock_timestamp() - make_interval(secs => $3)
where incarnation = $1 and alive
returning clock_timestamp()

-- name: update_house_stopped :exec
-- A house that stops in order needs no one to wait for its lease.
-- $1 incarnation bigint
update house set alive = false, lease_expires_at = clock_timestamp() where incarnation = $1

-- name: terminate_leftovers :many
-- End connections of earlier incarnations of a house, and wait for each up to 2 s.
-- $1 prefix text, $2 application_name text (ours, spared)
select pid, pg_terminate_backend(pid, 2000) as is_gone from pg_stat_activity
where datname = current_database() and starts_with(application_name, $1) and application_name <> $2

-- name: get_epoch :value
-- What a restore changes: the cluster's identity, its timeline and the nonce of this history.
select s.system_identifier::text || '-' || c.timeline_id || '-' || h.nonce
from pg_control_system() s, pg_control_checkpoint() c, history h

-- name: update_epoch :exec
-- History may have forked (a backup was restored): every reader must start afresh.
update history set nonce = gen_random_uuid()

-- name: ping :value
-- Whether PostgreSQL answers.
select 1

-- name: get_version :value
-- What runs.
select current_setting('server_version')
