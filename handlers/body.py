"""Reading a request's body under its limits: aiohttp itself has no time limit for one that drips."""

import asyncio

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from actors.errors import InvalidRequest, RequestTimeout, TooLarge, UnsupportedMediaType

_JSON = "application/json"


async def read_json(request: web.Request, limit_bytes: int, timeout_seconds: float) -> bytes:
    """Return the whole body, decompressed; empty when none was sent.

    Raises:
        UnsupportedMediaType: there is a body and it is not JSON.
        TooLarge: more than ``limit_bytes``, announced or found while reading.
        RequestTimeout: not there after ``timeout_seconds``.
        InvalidRequest: it broke off, its encoding is broken, or more is expected than to be asked for it.
    """
    if not request.body_exists:
        return b""
    _check_head(request, limit_bytes)
    if (expected := request.headers.get("Expect")) is not None:
        await _go_ahead(request, expected)
    content = request.content
    try:
        if content.is_eof():
            body = content.read_nowait()
        else:
            async with asyncio.timeout(timeout_seconds):
                body = await _read(content, limit_bytes)
    except TimeoutError:
        raise RequestTimeout(f"the body did not arrive within {timeout_seconds:g} s") from None
    except (HttpProcessingError, web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("the body broke off or its encoding is broken") from None
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


def _check_head(request: web.Request, limit_bytes: int) -> None:
    if (length := request.content_length) is not None and length > limit_bytes:
        raise _too_large(limit_bytes)
    kind = request.headers.get("Content-Type", "")
    if kind != _JSON and kind.partition(";")[0].strip().lower() != _JSON and length != 0:
        raise UnsupportedMediaType("the body must be application/json")


async def _go_ahead(request: web.Request, expected: str) -> None:
    """Ask a client that waits (``Expect: 100-continue``) for its body: all that needs no body has been judged."""
    if expected.lower() != "100-continue":
        raise InvalidRequest("Expect can only be 100-continue")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun


async def _read(content: StreamReader, limit_bytes: int) -> bytes:
    body = bytearray()
    while chunk := await content.readany():
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body may have at most {limit_bytes} bytes")
