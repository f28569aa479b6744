"""Chats: the room of each, and what is seen of them."""
