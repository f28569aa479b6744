"""Text messages, through whatever provider takes them over HTTP."""

from actors.outgoing.sms.sender import SmsBook, SmsSender
from actors.outgoing.sms.settings import SmsSettings

__all__ = ["SmsBook", "SmsSender", "SmsSettings"]
