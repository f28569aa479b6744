-- A house that has started, and has not looked yet, counts only for as long as its earlier life would have.

alter table house add column counts_until timestamptz not null default 'infinity';  -- of who has looked: for good
