"""Web Push: what a browser shows although no page of ours is open (RFC 8030, 8291, 8292)."""

from actors.outgoing.push.sender import PushBook, PushSender
from actors.outgoing.push.settings import PushSettings
from actors.outgoing.push.vapid import VapidKey, make_vapid_key

__all__ = ["PushBook", "PushSender", "PushSettings", "VapidKey", "make_vapid_key"]
