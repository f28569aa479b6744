"""Logs: one JSON object a line, to stdout and a rotating file, with the context of the request and never a secret.

Modules write ``log = structlog.get_logger()`` and ``log.info("word_for_what_happened", name=value)``. Context is bound
with `structlog.contextvars.bind_contextvars` (``request_id``, ``user_id``, ``actor``).
"""

from app.logs.house import Logs, start
from app.logs.loop_lag import watch_loop_lag
from app.logs.outlets import trouble_with
from app.logs.pretty import pretty
from app.logs.reading import Wanted

__all__ = ["Logs", "Wanted", "pretty", "start", "trouble_with", "watch_loop_lag"]
