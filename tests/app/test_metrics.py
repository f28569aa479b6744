"""Metrics: what Prometheus reads, parsed with Prometheus's own parser."""

from types import SimpleNamespace

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import ACTORS, CONTENT_TYPE, JOURNAL, POOL, REALTIME, Figure, Metrics

Labels = frozenset[tuple[str, str]]


def samples(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def labels(**values: str) -> Labels:
    return frozenset(values.items())


def test_requests_are_counted_by_method_endpoint_and_status() -> None:
    metrics = Metrics()
    observe = metrics.requests_of("GET", "/api/v1/tasks/{id}")
    for status, seconds in ((200, 0.004), (200, 0.02), (404, 0.001)):
        observe(status, seconds)
    metrics.requests_of("POST", "/api/v1/tasks")(201, 0.01)
    seen = samples(metrics)
    get = {"method": "GET", "endpoint": "/api/v1/tasks/{id}"}
    assert seen["http_requests_total", labels(**get, status="200")] == 2
    assert seen["http_requests_total", labels(**get, status="404")] == 1
    assert seen["http_requests_total", labels(method="POST", endpoint="/api/v1/tasks", status="201")] == 1
    assert seen["http_request_duration_seconds_count", labels(**get)] == 3
    assert round(seen["http_request_duration_seconds_sum", labels(**get)], 6) == 0.025
    assert seen["http_request_duration_seconds_bucket", labels(**get, le="0.005")] == 2


def test_two_observers_of_a_route_count_together() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.requests_of("GET", "/x")(200, 0.1)
    assert samples(metrics)["http_requests_total", labels(method="GET", endpoint="/x", status="200")] == 2


def figures(watched: tuple[Figure, ...]) -> SimpleNamespace:
    """An object with a different value for each figure."""
    return SimpleNamespace(**{figure.attribute: float(number) for number, figure in enumerate(watched, 1)})


def expect(seen: dict[tuple[str, Labels], float], prefix: str, watched: tuple[Figure, ...], at: Labels) -> None:
    for number, figure in enumerate(watched, 1):
        name = f"{prefix}_{figure.attribute}" + ("_total" if figure.is_counter else "")
        assert seen[name, at] == number, name


def test_everything_watched_is_shown_under_its_labels() -> None:
    metrics = Metrics()
    task = figures(ACTORS)
    task.kind = "task"
    metrics.watch_actors(lambda: [task])
    metrics.watch_journal(lambda: {"shared": figures(JOURNAL)})
    metrics.watch_pool(lambda: {"reads": figures(POOL)})
    metrics.watch_realtime(lambda: figures(REALTIME))
    metrics.watch_relay(lambda: {"inbox": 7})
    metrics.watch_value("log_lines_dropped", "Log lines that found no room", lambda: 3, is_counter=True)
    seen = samples(metrics)
    expect(seen, "actor", ACTORS, labels(kind="task"))
    expect(seen, "journal", JOURNAL, labels(lane="shared"))
    expect(seen, "postgres_pool", POOL, labels(pool="reads"))
    expect(seen, "realtime", REALTIME, labels())
    assert seen["relay_lag", labels(consumer="inbox")] == 7
    assert seen["log_lines_dropped_total", labels()] == 3


def test_figures_are_read_when_they_are_asked_for_and_not_before() -> None:
    metrics = Metrics()
    asked = []
    metrics.watch_relay(lambda: asked.append(1) or {"inbox": len(asked)})  # type: ignore[func-returns-value]
    assert not asked
    assert samples(metrics)["relay_lag", labels(consumer="inbox")] == 1
    assert samples(metrics)["relay_lag", labels(consumer="inbox")] == 2


def test_figures_that_cannot_be_read_do_not_cost_the_others() -> None:
    metrics = Metrics()

    def broken() -> dict[str, float]:
        raise ConnectionError("down")

    metrics.watch_relay(broken)
    metrics.watch_value("answer", "The answer", lambda: 42)
    seen = samples(metrics)
    assert seen["answer", labels()] == 42 and not any(name == "relay_lag" for name, _ in seen)


def test_loop_lag_process_and_build_are_shown() -> None:
    metrics = Metrics({"version": "1.2.3"})
    metrics.observe_loop_lag(0.3)
    seen = samples(metrics)
    assert seen["event_loop_lag_seconds_bucket", labels(le="0.25")] == 0
    assert seen["event_loop_lag_seconds_bucket", labels(le="0.5")] == 1
    assert seen["process_resident_memory_bytes", labels()] > 1e6
    assert seen["posthouse_build_info", labels(version="1.2.3")] == 1


def test_two_houses_in_one_process_have_metrics_of_their_own() -> None:
    first, second = Metrics(), Metrics()
    first.requests_of("GET", "/x")(200, 0.1)
    assert not any(name == "http_requests_total" for name, _ in samples(second))


def test_the_content_type_is_prometheus_own() -> None:
    assert CONTENT_TYPE == CONTENT_TYPE_LATEST and CONTENT_TYPE.startswith("text/plain")
