"""The whole house behind its real edges, with Ada and Ben in a chat, and Cyd elsewhere."""

from tests.chat_arrivals.conftest import ada, ben, cyd, house, others

__all__ = ["ada", "ben", "cyd", "house", "others"]
