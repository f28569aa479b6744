"""Metrics: what Prometheus reads, parsed with Prometheus's own parser."""

import asyncio
from types import SimpleNamespace

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import ACTORS, CONTENT_TYPE, JOURNAL, POOL, REALTIME, Figure, Metrics

Labels = frozenset[tuple[str, str]]


async def samples(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families((await metrics.scrape()).decode())
        for sample in family.samples
    }


def labels(**values: str) -> Labels:
    return frozenset(values.items())


async def test_requests_are_counted_by_method_endpoint_and_status() -> None:
    metrics = Metrics()
    observe = metrics.requests_of("GET", "/api/v1/tasks/{id}")
    for status, seconds in ((200, 0.004), (200, 0.02), (404, 0.001)):
        observe(status, seconds)
    metrics.requests_of("POST", "/api/v1/tasks")(201, 0.01)
    seen = await samples(metrics)
    get = {"method": "GET", "endpoint": "/api/v1/tasks/{id}"}
    assert seen["http_requests_total", labels(**get, status="200")] == 2
    assert seen["http_requests_total", labels(**get, status="404")] == 1
    assert seen["http_requests_total", labels(method="POST", endpoint="/api/v1/tasks", status="201")] == 1
    assert seen["http_request_duration_seconds_count", labels(**get)] == 3
    assert round(seen["http_request_duration_seconds_sum", labels(**get)], 6) == 0.025
    assert seen["http_request_duration_seconds_bucket", labels(**get, le="0.005")] == 2


async def test_two_observers_of_a_route_count_together() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.requests_of("GET", "/x")(200, 0.1)
    assert (await samples(metrics))["http_requests_total", labels(method="GET", endpoint="/x", status="200")] == 2


def figures(watched: tuple[Figure, ...]) -> SimpleNamespace:
    """An object with a different value for each figure."""
    return SimpleNamespace(**{figure.attribute: float(number) for number, figure in enumerate(watched, 1)})


def expect(seen: dict[tuple[str, Labels], float], prefix: str, watched: tuple[Figure, ...], at: Labels) -> None:
    for number, figure in enumerate(watched, 1):
        name = f"{prefix}_{figure.attribute}" + ("_total" if figure.is_counter else "")
        assert seen[name, at] == number, name


async def seven_behind() -> dict[str, int]:
    return {"inbox": 7}


async def test_everything_watched_is_shown_under_its_labels() -> None:
    metrics = Metrics()
    task = figures(ACTORS)
    task.kind = "task"
    metrics.watch_actors(lambda: [task])
    metrics.watch_journal(lambda: [vars(figures(JOURNAL))])
    metrics.watch_pool(lambda: {"reads": figures(POOL)})
    metrics.watch_realtime(lambda: figures(REALTIME))
    metrics.watch_relay(seven_behind)
    metrics.watch_value("log_lines_dropped", "Log lines that found no room", lambda: 3, is_counter=True)
    seen = await samples(metrics)
    expect(seen, "actor", ACTORS, labels(kind="task"))
    expect(seen, "journal", JOURNAL, labels(lane="0"))
    expect(seen, "postgres_pool", POOL, labels(pool="reads"))
    expect(seen, "realtime", REALTIME, labels())
    assert seen["relay_lag", labels(consumer="inbox")] == 7
    assert seen["log_lines_dropped_total", labels()] == 3


async def test_figures_are_read_when_they_are_asked_for_and_not_before() -> None:
    metrics = Metrics()
    numbers = iter((1, 2))
    metrics.watch_value("answer", "The answer", lambda: next(numbers))
    assert (await samples(metrics))["answer", labels()] == 1
    assert (await samples(metrics))["answer", labels()] == 2


async def test_figures_that_cannot_be_read_do_not_cost_the_others() -> None:
    metrics = Metrics()

    async def broken() -> dict[str, int]:
        raise ConnectionError("down")

    def broken_too() -> dict[str, int]:
        raise ConnectionError("down")

    metrics.watch_relay(broken)
    metrics.watch_pool(broken_too)
    metrics.watch_value("answer", "The answer", lambda: 42)
    seen = await samples(metrics)
    assert seen["answer", labels()] == 42
    assert not any(name.startswith(("relay_lag", "postgres_pool")) for name, _ in seen)


async def test_a_database_that_hangs_does_not_hang_the_scrape() -> None:
    metrics = Metrics()

    async def hangs() -> dict[str, int]:
        await asyncio.sleep(60)
        return {}

    metrics.watch_relay(hangs)
    async with asyncio.timeout(5):
        assert ("event_loop_lag_seconds_count", labels()) in await samples(metrics)


async def test_an_optional_figure_that_an_object_does_not_keep_is_left_out() -> None:
    metrics = Metrics()
    metrics.watch_journal(lambda: [{"turns": 5, "transactions": 3, "waiting": 0}])
    seen = await samples(metrics)
    assert seen["journal_turns_total", labels(lane="0")] == 5
    assert ("journal_seconds_total", labels(lane="0")) not in seen


async def test_loop_lag_process_and_build_are_shown() -> None:
    metrics = Metrics({"version": "1.2.3"})
    metrics.observe_loop_lag(0.3)
    seen = await samples(metrics)
    assert seen["event_loop_lag_seconds_bucket", labels(le="0.25")] == 0
    assert seen["event_loop_lag_seconds_bucket", labels(le="0.5")] == 1
    assert seen["process_resident_memory_bytes", labels()] > 1e6
    assert seen["posthouse_build_info", labels(version="1.2.3")] == 1


async def test_render_says_the_same_as_scrape() -> None:
    metrics = Metrics()
    metrics.requests_of("GET", "/x")(200, 0.1)
    kept = [line for line in metrics.render().splitlines() if line.startswith((b"http_", b"posthouse_"))]
    assert kept and set(kept) <= set((await metrics.scrape()).splitlines())


async def test_two_houses_in_one_process_have_metrics_of_their_own() -> None:
    first, second = Metrics(), Metrics()
    first.requests_of("GET", "/x")(200, 0.1)
    assert not any(name == "http_requests_total" for name, _ in await samples(second))


def test_the_content_type_is_prometheus_own() -> None:
    assert CONTENT_TYPE == CONTENT_TYPE_LATEST and CONTENT_TYPE.startswith("text/plain")
