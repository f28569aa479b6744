"""Which web pages may open a socket. Browsers name the page in ``Origin``; who sends none is no browser."""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from handlers.realtime.settings import RealtimeSettings


def is_welcome(request: web.Request, settings: RealtimeSettings) -> bool:
    """Whether the origin is ours or on the list. Compared by host and port: a proxy may end TLS before us."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or "*" in settings.allowed_origins or origin in settings.allowed_origins:
        return True
    try:
        page = urlsplit(origin).netloc
    except ValueError:  # it looks like an address of IPv6 and is none
        return False
    return bool(request.host) and page.lower() == request.host.lower()
