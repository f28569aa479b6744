-- A house that has started, and has not looked yet, counts only for as long as its earlier life would have. Nor does
-- anybody know whether it hears.

alter table house add column counts_until timestamptz not null default 'infinity';  -- of who has looked: for good
alter table house alter column heard_at drop not null, alter column heard_at drop default;  -- null: it has not listened yet
