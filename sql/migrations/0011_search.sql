-- The index of words keeps what is new in a list that every search reads as a whole: 4 MB of it unless something else is
-- said, 1 ms and more of each search. It is worked into the index when it has grown to this many kilobytes.

alter index chat_message_words set (gin_pending_list_limit = 64);
