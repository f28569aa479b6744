"""Metrics for Prometheus. What others know is read when Prometheus asks, through callables that they hand in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.request_metrics import RequestMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST

log = structlog.get_logger()

_ASK_SECONDS = 1.0  # a database that hangs must not hang the answer to Prometheus
_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Figure(NamedTuple):
    """One figure of what is watched: the attribute or key that holds it, and what it means."""

    attribute: str
    help: str
    is_counter: bool = False
    is_optional: bool = False  # not every object keeps it


ACTORS = (
    Figure("depth", "Messages that wait in mailboxes"),
    Figure("active", "Actors in memory"),
    Figure("oldest_seconds", "Age of the oldest waiting message"),
    Figure("handled", "Messages handled", is_counter=True),
    Figure("crashed", "Messages whose handler crashed", is_counter=True),
    Figure("restarts", "Restarts after a crash", is_counter=True),
)
JOURNAL = (
    Figure("transactions", "Transactions committed", is_counter=True),
    Figure("turns", "Turns that shared them", is_counter=True),
    Figure("seconds", "Time spent in transactions", is_counter=True, is_optional=True),
    Figure("waiting", "Turns that wait for the lane"),
)
POOL = (
    Figure("size", "Connections to PostgreSQL"),
    Figure("idle", "Connections that nobody uses"),
)
REALTIME = (
    Figure("connections", "Open sockets"),
    Figure("subscriptions", "Subscriptions to channels"),
    Figure("publications", "Publications handed to connections", is_counter=True),
    Figure("slow_disconnects", "Connections closed since they read too slowly", is_counter=True),
)


class Metrics:
    """The registry of one house. Names are stable: dashboards and alerts hold on to them."""

    def __init__(self, build: Mapping[str, str] | None = None) -> None:
        """``build`` tells the version and what else identifies this build."""
        self.registry = CollectorRegistry()
        self._lags: Mapping[str, float] = {}
        self._read_lags: Callable[[], Awaitable[Mapping[str, float]]] | None = None
        self._requests = RequestMetrics()
        self.registry.register(self._requests)
        lag = Histogram(
            "event_loop_lag_seconds", "How late the loop runs what is due", buckets=_LAG_BUCKETS, registry=self.registry
        )
        self.observe_loop_lag: Callable[[float], None] = lag.observe
        Info("posthouse_build", "What is running", registry=self.registry).info(dict(build or {}))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def requests_of(self, method: str, endpoint: str) -> Callable[[int, float], None]:
        """Return ``observe(status, seconds)`` for one route; keep it. To be called on the loop.

        ``endpoint`` is the route's pattern (``/api/v1/tasks/{id}``), never the path: that would be a label per id.
        """
        return self._requests.of(method, endpoint)

    def watch_actors(self, statistics: Callable[[], Iterable[Any]]) -> None:
        """Show each kind's figures: ``statistics()`` gives objects with ``kind`` and the attributes of `ACTORS`."""
        self.watch("actor", ACTORS, lambda: {one.kind: one for one in statistics()}, label="kind")

    def watch_journal(self, statistics: Callable[[], Sequence[Any]]) -> None:
        """Show each lane's figures: one object with the figures of `JOURNAL` per lane, in their order."""
        self.watch("journal", JOURNAL, lambda: {str(lane): one for lane, one in enumerate(statistics())}, label="lane")

    def watch_pool(self, statistics: Callable[[], Mapping[str, Any]]) -> None:
        """Show the pools' figures: pool -> an object with the figures of `POOL`."""
        self.watch("postgres_pool", POOL, statistics, label="pool")

    def watch_realtime(self, statistics: Callable[[], Any]) -> None:
        """Show the sockets' figures: an object with the figures of `REALTIME`."""
        self.watch("realtime", REALTIME, lambda: {"": statistics()})

    def watch_relay(self, lags: Callable[[], Awaitable[Mapping[str, float]]]) -> None:
        """Show how many events each consumer is behind: consumer -> count, asked with each `scrape`."""
        self._read_lags = lags
        figure = Figure("value", "Events that the consumer has not seen yet")
        self.watch("relay_lag", (figure,), lambda: self._lags, label="consumer")

    def watch_value(self, name: str, help_text: str, read: Callable[[], float], *, is_counter: bool = False) -> None:
        """Show one number."""
        self.watch(name, (Figure("value", help_text, is_counter),), lambda: {"": read()})

    def watch(
        self, prefix: str, figures: Iterable[Figure], read: Callable[[], Mapping[str, Any]], *, label: str = ""
    ) -> None:
        """Show ``figures`` of every object that ``read()`` gives, by its key as ``label``.

        ``read`` is called when Prometheus asks; where it raises, its figures are missing from that answer only.
        """
        self.registry.register(_Watched(prefix, tuple(figures), read, label))

    def render(self) -> bytes:
        """All metrics as text, to be sent as `CONTENT_TYPE`. Blocks for 20 ms: on a loop, `scrape`."""
        return generate_latest(self.registry)

    async def scrape(self) -> bytes:
        """All metrics as text, to be sent as `CONTENT_TYPE`.

        Figures are collected on the loop, where those who count live; the text, which takes three times as long, is
        made in a thread.
        """
        self._lags = await self._fresh_lags()
        families = list(self.registry.collect())
        return await asyncio.to_thread(generate_latest, _Collected(families))

    async def _fresh_lags(self) -> Mapping[str, float]:
        if self._read_lags is None:
            return {}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                return await self._read_lags()
        except Exception:
            log.exception("metrics_unreadable", prefix="relay_lag")
            return {}


class _Collected(CollectorRegistry):
    """Families that were collected before, as `generate_latest` wants them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class _Watched(Collector):
    def __init__(
        self, prefix: str, figures: tuple[Figure, ...], read: Callable[[], Mapping[str, Any]], label: str
    ) -> None:
        self._prefix, self._figures, self._read = prefix, figures, read
        self._labels = [label] if label else []

    def describe(self) -> Iterable[Metric]:
        """The names, without asking anyone."""
        return [self._family(figure) for figure in self._figures]

    def collect(self) -> Iterable[Metric]:
        """One family per figure, one sample per object."""
        try:
            objects = self._read()
            return [self._filled(figure, objects) for figure in self._figures]
        except Exception:
            log.exception("metrics_unreadable", prefix=self._prefix)
            return []

    def _filled(self, figure: Figure, objects: Mapping[str, Any]) -> Metric:
        family = self._family(figure)
        for key, one in objects.items():
            value = one if figure.attribute == "value" else _value(one, figure)
            if value is not None:
                family.add_metric([key] if self._labels else [], value)
        return family

    def _family(self, figure: Figure) -> CounterMetricFamily | GaugeMetricFamily:
        name = self._prefix if figure.attribute == "value" else f"{self._prefix}_{figure.attribute}"
        family = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
        return family(name, figure.help, labels=self._labels)


def _value(one: Any, figure: Figure) -> float | None:
    """The figure of this object; None where it is optional and the object does not keep it."""
    value = one.get(figure.attribute) if isinstance(one, Mapping) else getattr(one, figure.attribute, None)
    if value is None and not figure.is_optional:
        raise LookupError(figure.attribute)
    return value
