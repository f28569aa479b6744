-- name: list_houses :many
-- Houses in the order of their ids. One whose lease has run out is not alive, whether or not anybody has noticed.
-- A living one holds all partitions until mail is spread over several.
-- $1 after id or null, $2 limit
select id, address, alive, lease_expires_at, case when alive then 256 else 0 end as partitions
from (select id, address, alive and lease_expires_at > clock_timestamp() as alive, lease_expires_at from house) known
where $1::smallint is null or id > $1
order by id
limit $2;
