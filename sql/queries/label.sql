-- name: bind_labels :many
-- Let labels mean letters, once; gives the position of each that was free.
-- combines: changes label
-- $1 code text[], $2 letter_id uuid[], $3 at timestamptz[]
update label l set status = 'bound', letter_id = r.letter_id, changed_at = r.at
from unnest($1::text[], $2::uuid[], $3::timestamptz[]) with ordinality as r (code, letter_id, at, ord)
where l.code = r.code and l.status = 'unbound'
  and not exists (
    select from unnest($1::text[]) with ordinality as earlier (code, ord) where earlier.code = r.code and earlier.ord < r.ord)
returning r.ord;

-- name: move_labels :exec
-- Let bound labels follow their letters; what is no move changes nothing.
-- combines: changes label
-- $1 code text[], $2 status text[], $3 at timestamptz[]
update label l set status = r.status, changed_at = r.at
from unnest($1::text[], $2::text[], $3::timestamptz[]) as r (code, status, at)
where l.code = r.code
  and (l.status, r.status) in (('bound', 'in_transit'), ('bound', 'cancelled'), ('in_transit', 'delivered'));
