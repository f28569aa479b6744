"""Chats, their members and their messages. What is sent goes straight to the room, views to the service."""

from typing import Any

from actors.messages.chat import (
    AddMember,
    ChangeChat,
    ChangeMember,
    Chat,
    ChatMessage,
    CreateChat,
    DeleteChat,
    EditMessage,
    GetChat,
    GetMember,
    GetMessage,
    ListChats,
    ListMembers,
    ListMessages,
    ReadChat,
    RecallMessage,
    RemoveMember,
    SearchMessages,
    SeenChat,
    SendMessage,
    SentMessage,
    TypeMessage,
)
from actors.runtime.message import Caller
from handlers.operation import Operation

_TAG = "chat"
_MESSAGE = "01990a1b-5c00-7000-8000-00000000000a"


def room(message: Any, caller: Caller) -> str:
    """The room that a message is for."""
    del caller
    key: str = message.chat_id
    return key


def show_created(reply: SeenChat) -> tuple[int, Any]:
    """201 for a new chat; 200 for a direct one that was there."""
    return (201 if reply.made else 200), reply.chat


def show_sent(reply: SentMessage) -> tuple[int, Any]:
    """201 for a new message; 200 for a resend."""
    return (201 if reply.made else 200), reply.message


CHATS = [
    Operation(
        method="POST", path="/chats", message=CreateChat, to="chats", tag=_TAG, rate="write", status=201, reply=Chat,
        present=show_created, creates=lambda chat_id: GetChat(chat_id=chat_id), rpc="chat.create",
        summary="Begin a group, or a direct chat; one that two people have already is found (200)",
        errors=("not_found", "conflict"),
        example={"kind": "group", "name": "Engine builders", "members": ["charles", "ben"], "description": "Mondays"},
    ),
    Operation(
        method="GET", path="/chats", message=ListChats, to="chats", tag=_TAG, rpc="chat.list",
        summary="My chats, by last activity",
    ),
    Operation(
        method="GET", path="/chats/{chat_id}", message=GetChat, to="chats", tag=_TAG, rpc="chat.get",
        summary="One of my chats", errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/chats/{chat_id}", message=ChangeChat, to="chats", tag=_TAG, rate="write",
        rpc="chat.change", summary="Change what is named of a group: its owner, or an administrator of it",
        errors=("forbidden", "not_found"), example={"notice": "We meet at noon."},
    ),
    Operation(
        method="DELETE", path="/chats/{chat_id}", message=DeleteChat, to="chat", key=room, tag=_TAG, status=204,
        rate="write", rpc="chat.delete", summary="End a group, with everything in it: its owner",
        errors=("forbidden", "not_found"),
    ),
    Operation(
        method="PUT", path="/chats/{chat_id}/read", message=ReadChat, to="chats", tag=_TAG, status=204, rate="write",
        rpc="chat.read", summary="Move my read mark forward; it never goes back", errors=("not_found",),
        example={"seq": 17},
    ),
    Operation(
        method="POST", path="/chats/{chat_id}/typing", message=TypeMessage, to="chat", key=room, tag=_TAG, status=204,
        rate="write", rpc="chat.typing", summary="Tell those who are here that I am writing",
        errors=("forbidden", "not_found"),
    ),
]  # fmt: skip

MEMBERS = [
    Operation(
        method="GET", path="/chats/{chat_id}/members", message=ListMembers, to="chats", tag=_TAG, rpc="chat.members",
        summary="The members of a chat, those who came first first", errors=("not_found",),
    ),
    Operation(
        method="POST", path="/chats/{chat_id}/members", message=AddMember, to="chats", tag=_TAG, status=201,
        rate="write", rpc="chat.add", errors=("forbidden", "not_found", "conflict"),
        replays=lambda message, user_id: GetMember(chat_id=message.chat_id, user_id=user_id),
        summary="Bring somebody into a group, by id or username; who is in it stays as they are",
        example={"user_id": "charles", "role": "member"},
    ),
    Operation(
        method="PATCH", path="/chats/{chat_id}/members/{user_id}", message=ChangeMember, to="chats", tag=_TAG,
        rate="write", errors=("forbidden", "not_found", "conflict"), example={"muted": True},
        summary="Mute a chat for myself, silence a member, give one another role; `owner` hands the group over",
    ),
    Operation(
        method="DELETE", path="/chats/{chat_id}/members/{user_id}", message=RemoveMember, to="chat", key=room,
        tag=_TAG, status=204, rate="write", rpc="chat.remove", errors=("forbidden", "not_found", "conflict"),
        summary="Leave (`me`), or remove a member; the owner hands the group over first",
    ),
]  # fmt: skip

MESSAGES = [
    Operation(
        method="POST", path="/chats/{chat_id}/messages", message=SendMessage, to="chat", key=room, tag=_TAG,
        rate="write", status=201, reply=ChatMessage, present=show_sent, rpc="chat.send",
        creates=lambda message_id: GetMessage(message_id=message_id), errors=("forbidden", "not_found", "conflict"),
        summary="Send a message; the same client_id again finds the first one (200)",
        example={"kind": "text", "content": "@ben, the mill is done.", "reply_to": _MESSAGE, "client_id": "phone-17"},
    ),
    Operation(
        method="GET", path="/chats/{chat_id}/messages", message=ListMessages, to="chats", tag=_TAG, rpc="chat.history",
        summary="A page of messages, oldest first: the newest, those before or after a seq, those that fit q",
        errors=("not_found",),
    ),
    Operation(
        method="PATCH", path="/chats/{chat_id}/messages/{message_id}", message=EditMessage, to="chat", key=room,
        tag=_TAG, rate="write", rpc="chat.edit", summary="Change a message's words: its sender, or a group's admin",
        errors=("forbidden", "not_found", "conflict"), example={"content": "The mill is done."},
    ),
    Operation(
        method="DELETE", path="/chats/{chat_id}/messages/{message_id}", message=RecallMessage, to="chat", key=room,
        tag=_TAG, status=204, rate="write", rpc="chat.recall", errors=("forbidden", "not_found", "conflict"),
        summary="Take a message back: its sender, or a group's admin; that it was there stays known",
    ),
    Operation(
        method="GET", path="/messages", message=SearchMessages, to="chats", tag=_TAG, rpc="chat.search",
        summary="Messages of all my chats that have every word of q, the last one perhaps begun; newest first",
    ),
    Operation(
        method="GET", path="/messages/{message_id}", message=GetMessage, to="chats", tag=_TAG,
        summary="One message of one of my chats", errors=("not_found",),
    ),
]  # fmt: skip

OPERATIONS = CHATS + MEMBERS + MESSAGES
