"""The realtime interface: the Centrifuge client protocol, version 2, over WebSocket."""

from handlers.realtime.edge import Realtime, Statistics
from handlers.realtime.settings import RealtimeSettings

__all__ = ["Realtime", "RealtimeSettings", "Statistics"]
