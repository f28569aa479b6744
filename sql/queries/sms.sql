-- name: get_phone :one
-- Where somebody can be called.
-- $1 user_id uuid
select username, status = 'active' as is_active, phone from account where id = $1;
