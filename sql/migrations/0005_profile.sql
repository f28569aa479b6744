-- Profiles get a stream; people follow and block each other.

alter table profile add column n bigint not null default 0;  -- number of the last event of the stream profile:<user id>

create table follow (
    follower_id uuid        not null references account on delete cascade,
    followed_id uuid        not null references account on delete cascade,
    created_at  timestamptz not null,
    primary key (follower_id, followed_id),
    check (follower_id <> followed_id)
);
create index follow_following on follow (follower_id, created_at desc, followed_id desc);
create index follow_followers on follow (followed_id, created_at desc, follower_id desc);

create table block (
    blocker_id uuid        not null references account on delete cascade,
    blocked_id uuid        not null references account on delete cascade,
    created_at timestamptz not null,
    primary key (blocker_id, blocked_id),
    check (blocker_id <> blocked_id)
);
create index block_blocked on block (blocked_id);

-- What is known of a person by number; no row: zeros. Changed with every follow: room in the page keeps updates HOT.
create table standing (
    user_id   uuid   primary key references account on delete cascade,
    n         bigint not null default 0,  -- number of the last event of the stream ties:<user id>
    followers bigint not null default 0 check (followers >= 0)
) with (fillfactor = 70);

-- Follows and blocks change one transaction after the other, over all houses: a follow can slip past no block, and
-- nobody waits in a circle. The end of an account ends its ties, and asks for this lock before any row of an account.
create function lock_ties() returns void language sql volatile
return pg_advisory_xact_lock(hashtextextended('ties', 0));

create function lock_ties_first() returns trigger language plpgsql as $$
begin
    perform lock_ties();
    return null;
end
$$;
create trigger account_ties before delete on account for each statement execute function lock_ties_first();

-- Keeps the number of followers, whatever makes or ends a follow: a wish, a block, the end of an account.
create function count_followers() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into standing as s (user_id, followers)
        select followed_id, count(*) from changed group by followed_id
        on conflict (user_id) do update set followers = s.followers + excluded.followers;
    else
        update standing s set followers = s.followers - c.count
        from (select followed_id, count(*) from changed group by followed_id) c where s.user_id = c.followed_id;
    end if;
    return null;
end
$$;
create trigger follow_made after insert on follow referencing new table as changed
    for each statement execute function count_followers();
create trigger follow_ended after delete on follow referencing old table as changed
    for each statement execute function count_followers();

create function relation_of(viewer uuid, person uuid)
returns table (is_following boolean, is_followed_by boolean, is_blocked boolean, is_blocked_by boolean)
language sql stable as $$
select exists (select from follow where follower_id = viewer and followed_id = person),
    exists (select from follow where follower_id = person and followed_id = viewer),
    exists (select from block where blocker_id = viewer and blocked_id = person),
    exists (select from block where blocker_id = person and blocked_id = viewer)
$$;

-- What became of a wish: one row per event, or one that says why not (missing, self, blocking).
create type tie_change as (refusal text, owner uuid, n bigint, type text, body json);

create function tell_tie(a_type text, owner uuid, other uuid, at timestamptz) returns tie_change language sql volatile as $$
insert into standing as s (user_id, n) values (owner, 1)
on conflict (user_id) do update set n = s.n + 1
returning null::text, user_id, n, a_type, json_build_object(
    'type', a_type, 'at', instant(at), 'user_id', owner, 'other_id', other,
    'username', (select username from account where id = owner))
$$;

create function end_follow(follower uuid, followed uuid, at timestamptz)
returns setof tie_change language plpgsql volatile as $$
begin
    delete from follow where follower_id = follower and followed_id = followed;
    if found then
        return next tell_tie('profile.unfollowed', follower, followed, at);
    end if;
end
$$;

-- Why not; null: it may be. Who is blocked finds nobody, but may still lift a block of their own.
create function refuse_tie(verb text, me uuid, other uuid) returns text language sql volatile as $$
select case
    when a.id is null or not exists (select from account where id = me) then 'missing'
    when r.is_blocked_by and not (verb = 'unblock' and r.is_blocked) then 'missing'
    when verb in ('follow', 'block') and me = other then 'self'
    when verb = 'follow' and r.is_blocked then 'blocking'
end
from (select other as id) as wanted left join account a using (id) cross join lateral relation_of(me, other) as r
$$;

-- Do what one person wants with another. A wish that was delivered before changes nothing.
create function change_tie(verb text, me uuid, name text, wish text, at timestamptz)
returns setof tie_change language plpgsql volatile as $$
declare
    other uuid;
    refusal text;
begin
    perform lock_ties();
    other := (select id from account where lower(username) = lower(name));  -- seen after the lock, as all that follows
    refusal := refuse_tie(verb, me, other);
    if refusal is not null then
        return query select refusal, null::uuid, null::bigint, null::text, null::json;
    elsif exists (select from event where stream = 'ties:' || me and cause = wish) then
        return;
    elsif verb = 'follow' then
        insert into follow values (me, other, at) on conflict do nothing;
        if found then
            return next tell_tie('profile.followed', me, other, at);
        end if;
    elsif verb = 'block' then
        insert into block values (me, other, at) on conflict do nothing;
        if found then
            return next tell_tie('profile.blocked', me, other, at);
            return query select * from end_follow(me, other, at);
            return query select * from end_follow(other, me, at);
        end if;
    elsif verb = 'unfollow' then
        return query select * from end_follow(me, other, at);
    elsif verb = 'unblock' then
        delete from block where blocker_id = me and blocked_id = other;
        if found then
            return next tell_tie('profile.unblocked', me, other, at);
        end if;
    end if;
end
$$;
