"""How connections to Redis are made: bounded in number, bounded in time, and without retries behind one's back.

The driver's own retries would send a command again that may have been carried out, and hide a server that is gone for
up to a minute.
"""

from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool, Connection, ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

ANSWER_SECONDS = 0.8  # who waits for Redis hears within 1 s that it is gone
BLOCK_SECONDS = 2.0  # the longest blocking read
POOL = 16

Client: TypeAlias = Redis
TROUBLE = (OSError, RedisError)
"""What a call may raise: no connection, no answer in time, or a refusal of the server."""


def open_commands(url: str, name: str) -> Client:
    """Return a client for commands that are answered at once. It connects when it is used; close it with ``aclose``.

    At most 16 connections; who finds all of them in use waits for one. Each command is sent once, and raises
    (`TROUBLE`) when it is not answered within 0.8 s.
    """
    return _open(url, name, POOL, ANSWER_SECONDS)


def open_blocking(url: str, name: str) -> Client:
    """Return a client for commands that block up to 2 s: one connection, for one task that is never cancelled in it.

    After an error the connection is a new one: what was on its way to the old one is taken for no other answer.
    """
    return _open(url, name, 1, BLOCK_SECONDS + ANSWER_SECONDS)


def make_connection(url: str, name: str) -> AbstractConnection:
    """Return a bare connection, not yet connected, whose user keeps the time itself."""
    pool = _pool(url, name, 1, None)
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection


def _open(url: str, name: str, connections: int, answer_seconds: float) -> Client:
    return Redis.from_pool(_pool(url, name, connections, answer_seconds))


def _pool(url: str, name: str, connections: int, answer_seconds: float | None) -> ConnectionPool:
    settings: dict[str, Any] = {
        **parse_url(url),
        "client_name": name,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": ANSWER_SECONDS,
        "health_check_interval": 0,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "retry_on_timeout": False,
        "protocol": 2,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),  # they would relax our timeouts
    }
    kind = settings.pop("connection_class", Connection)
    return BlockingConnectionPool(
        connection_class=kind, max_connections=connections, timeout=ANSWER_SECONDS, **settings
    )
