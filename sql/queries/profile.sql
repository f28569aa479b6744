-- name: get_about :one
-- What a person says of themselves, with the number of the last event of its stream.
-- $1 user_id uuid
select n, display_name, bio, tags from profile where user_id = $1;

-- name: save_about :many
-- Make profiles equal to their state; gives the position of each that is (still) there.
-- $1 user_id uuid[], $2 n bigint[], $3 display_name text[], $4 bio text[], $5 tags json[]
update profile p
set n = r.n, display_name = r.display_name, bio = r.bio, tags = array(select json_array_elements_text(r.tags))
from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::json[])
    with ordinality as r (user_id, n, display_name, bio, tags, ord)
where p.user_id = r.user_id
returning r.ord;

-- name: get_profile :one
-- A profile as a viewer sees it: no row when there is none, or when that person has blocked the viewer.
-- $1 viewer uuid, $2 sees_all boolean, $3 user_id uuid or null, $4 username text (where $3 is null)
select a.id, a.username, p.display_name, p.bio, a.avatar, p.tags, coalesce(s.followers, 0) as followers,
    (select count(*) from follow f where f.follower_id = a.id) as following,
    (select count(*) from letter l where l.sender_id = a.id and l.code is not null and not l.anonymous) as letters,
    r.is_following, r.is_followed_by, r.is_blocked
from account a
join profile p on p.user_id = a.id
left join standing s on s.user_id = a.id
cross join lateral relation_of($1, a.id) as r
where a.id = coalesce($3::uuid, (select id from account where lower(username) = lower($4)))
  and ($2 or not r.is_blocked_by);

-- name: get_person :one
-- What a stranger sees of an account: no row when there is none, or when that person has blocked the viewer.
-- $1 user_id uuid, $2 viewer uuid
select a.id, a.username, a.avatar, a.courier_level from account a
where a.id = $1 and not exists (select from block b where b.blocker_id = a.id and b.blocked_id = $2);

-- name: list_followers :many
-- Who follows a person, newest first, without those who have blocked the viewer.
-- $1 viewer uuid, $2 sees_all boolean, $3 user_id uuid, $4 before created_at or null, $5 before id, $6 limit integer
select a.id, a.username, p.display_name, a.avatar, f.created_at as since,
    r.is_following, r.is_followed_by, r.is_blocked
from follow f
join account a on a.id = f.follower_id
join profile p on p.user_id = a.id
cross join lateral relation_of($1, a.id) as r
where f.followed_id = $3 and ($2 or not r.is_blocked_by)
  and (f.created_at, f.follower_id) < (coalesce($4::timestamptz, 'infinity'), $5::uuid)
order by f.created_at desc, f.follower_id desc
limit $6;

-- name: list_following :many
-- Whom a person follows, newest first, without those who have blocked the viewer.
-- $1 viewer uuid, $2 sees_all boolean, $3 user_id uuid, $4 before created_at or null, $5 before id, $6 limit integer
select a.id, a.username, p.display_name, a.avatar, f.created_at as since,
    r.is_following, r.is_followed_by, r.is_blocked
from follow f
join account a on a.id = f.followed_id
join profile p on p.user_id = a.id
cross join lateral relation_of($1, a.id) as r
where f.follower_id = $3 and ($2 or not r.is_blocked_by)
  and (f.created_at, f.followed_id) < (coalesce($4::timestamptz, 'infinity'), $5::uuid)
order by f.created_at desc, f.followed_id desc
limit $6;

-- name: change_ties :many
-- Follow, unfollow, block, unblock: each wish as if it were alone, in the order of the batch.
-- Rows: ord; refusal (missing, self, blocking) or null; owner, n, type, body of each event (null: nothing was changed).
-- $5 verb text[], $6 caller uuid[], $7 username text[], $8 cause text[], $9 at timestamptz[]
with fence as materialized (select fence($1) as ok),
asked as materialized (
    select * from unnest($5::text[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[])
        with ordinality as r (verb, caller, username, cause, at, ord)
    where (select ok from fence) order by ord
), changed as materialized (
    select r.ord, r.caller, r.cause, r.at, c.*
    from asked r left join lateral change_tie(r.verb, r.caller, r.username, r.cause, r.at)
        with ordinality as c (refusal, owner, n, type, body, part) on true
), told as (
    insert into event (stream, n, type, body, caller, cause, ordinal, house, lane, seq, at)
    select 'ties:' || owner, n, type, body, caller, cause,
        row_number() over (partition by owner, cause order by ord, part) - 1,
        $2, $3, $4 + row_number() over (order by ord, part) - 1, at
    from changed where type is not null
    returning 1
)
select ord, refusal, owner, n, type, body, (select count(*) from told) as told
from changed order by ord, part;

-- name: list_tallies :many
-- What is kept of people by number, beside what there is to count, in order of id.
-- $1 after uuid, $2 limit integer
with people as materialized (select id from account where id > $1 order by id limit $2),
followed as (
    select followed_id, count(*) from follow where followed_id in (select id from people) group by followed_id
)
select p.id, coalesce(s.followers, 0) as followers, coalesce(s.n, 0) as n, coalesce(f.count, 0) as follows,
    (select coalesce(max(e.n), 0) from event e where e.stream = 'ties:' || p.id) as events,
    (select count(*) from block b cross join lateral relation_of(b.blocker_id, b.blocked_id) as r
     where b.blocker_id = p.id and (r.is_following or r.is_followed_by)) as across
from people p left join standing s on s.user_id = p.id left join followed f on f.followed_id = p.id
order by p.id;
