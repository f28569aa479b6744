-- When a house last reached what carries mail between houses: one that is cut off from it alone lets others have its share.

alter table house add column heard_at timestamptz not null default clock_timestamp();
