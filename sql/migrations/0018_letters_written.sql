-- What a profile counts: letters that somebody has sealed under their own name. A recalled one has no code any more.
create index letter_written on letter (sender_id) where code is not null and not anonymous;
