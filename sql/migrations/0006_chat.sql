-- Chats: rooms with members and messages. Owned by the room's actor, but for read marks, which members change.

create table chat (
    id            uuid        primary key,
    n             bigint      not null,               -- number of the last event of the stream chat:<id>
    kind          text        not null check (kind in ('direct', 'group')),
    pair          text        constraint chat_pair_key unique,  -- direct: both ids, the lower one first, with ':'; group: null
    name          text        not null,               -- direct: empty
    description   text        not null,
    notice        text        not null,
    owner_id      uuid,                               -- direct: null
    members_count integer     not null,
    last_seq      bigint      not null,               -- of the newest message; 0: none yet
    active_at     timestamptz not null,               -- when that was made, or the chat
    created_at    timestamptz not null
) with (fillfactor = 50);  -- changed with every message: room in the page keeps updates HOT

-- No reference to the account: when that ends, its room's actor hears of it and lets the member go.
create table chat_member (
    chat_id   uuid        not null references chat on delete cascade,
    user_id   uuid        not null,
    username  text        not null,                   -- never changes, and is what mentions go by
    role      text        not null check (role in ('owner', 'admin', 'member')),
    muted     boolean     not null,                   -- wants to hear of mentions only
    silenced  boolean     not null,                   -- may read, and write nothing
    joined_at timestamptz not null,
    primary key (chat_id, user_id)
);
create index chat_member_user on chat_member (user_id, chat_id);

-- Shared: changed only by conditional statements, forward, and never cached.
create table chat_read (
    chat_id  uuid   not null,
    user_id  uuid   not null,
    seq      bigint not null,                         -- read up to here
    told_seq bigint not null default 0,               -- told of in the inbox up to here; again only once seq has reached it
    primary key (chat_id, user_id),
    foreign key (chat_id, user_id) references chat_member on delete cascade
) with (fillfactor = 50);

create table chat_message (
    id          uuid        primary key,
    chat_id     uuid        not null references chat on delete cascade,
    seq         bigint      not null,                 -- 1, 2, 3 ... without gaps inside the chat
    sender_id   uuid        not null,                 -- of a system message: whose doing it is
    kind        text        not null check (kind in ('text', 'image', 'file', 'audio', 'video', 'system')),
    content     text        not null,                 -- empty once it is recalled
    file_id     text,
    reply_to    uuid,                                 -- a message of the same chat
    mentions    json        not null,                 -- ids of members
    client_id   text,                                 -- the sender's own name for it: a resend finds the first one
    created_at  timestamptz not null,
    edited_at   timestamptz,
    recalled_at timestamptz,
    words       tsvector    not null,                 -- what it is found by; holds the chat's id too, so that one index does
    constraint chat_message_seq_key unique (chat_id, seq) include (sender_id)
);
create unique index chat_message_client_id_key on chat_message (chat_id, sender_id, client_id)
    where client_id is not null;
create index chat_message_words on chat_message using gin (words);
