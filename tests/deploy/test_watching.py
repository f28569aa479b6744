"""Prometheus and Grafana: configurations that their tools take, and queries for figures that a house really shows."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.conftest import DEPLOY, documents, judged, tool
from tests.running import running_house

FOLDER = DEPLOY / "prometheus"
OF_PROMETHEUS = {"up", "ALERTS"}
LABELS_OF_PROMETHEUS = {"job", "instance", "le", "alertstate", "alertname"}
WORDS = {  # of the query language
    "sum", "max", "min", "rate", "increase", "histogram_quantile", "by", "and", "or", "vector", "topk", "count", "on",
}  # fmt: skip


class Names(NamedTuple):
    """What a query or a house speaks of."""

    metrics: set[str]
    labels: set[str]


def names_of(query: str) -> Names:
    """The metrics and labels of a query."""
    labels = {name for group in re.findall(r"\bby \(([^)]*)\)", query) for name in re.split(r",\s*", group)}
    labels |= {name for group in re.findall(r"{([^}]*)}", query) for name in re.findall(r"(\w+)\s*(?:=|!)", group)}
    bare = re.sub(r'"[^"]*"|{[^}]*}|\[[^]]*\]|\bby \([^)]*\)', " ", query)
    return Names(set(re.findall(r"\b[a-z_A-Z]\w*", bare)) - WORDS, labels)


def alerts() -> list[dict[str, Any]]:
    [document] = documents(FOLDER / "alerts.yml")
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads((DEPLOY / "grafana" / "posthouse.json").read_text())
    return board


def queries() -> list[str]:
    """Every query of the alerts and of the dashboard."""
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for rule in alerts()] + panels


async def test_every_query_asks_for_what_a_house_shows(data_folder: Path, redis_url: str) -> None:
    among_many = {"POSTHOUSE_MAILBOX_TRANSPORT": "redis", "POSTHOUSE_REDIS_URL": redis_url}
    async with running_house(data_folder, among_many) as house, aiohttp.ClientSession() as client:
        await house.register(client)
        async with client.get(f"{house.url}/metrics") as answer:
            text = await answer.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    shown = {sample.name for sample in samples} | OF_PROMETHEUS
    labels = {label for sample in samples for label in sample.labels} | LABELS_OF_PROMETHEUS
    asked = [names_of(query) for query in queries()]
    assert {name for names in asked for name in names.metrics} - shown == set()
    assert {name for names in asked for name in names.labels} - labels == set()


def test_a_query_is_read_for_its_names() -> None:
    query = 'topk(3, sum by (le, kind) (rate(some_bucket{a="x", b!="y"}[5m]))) / other > 0.5'
    assert names_of(query) == Names({"some_bucket", "other"}, {"le", "kind", "a", "b"})


def test_the_configurations_are_ones(tmp_path: Path) -> None:
    promtool = tool("promtool")
    judged(promtool, "check", "config", FOLDER / "prometheus.yml")
    [kubernetes] = documents(FOLDER / "kubernetes.yml")  # some builds of promtool know nothing of Kubernetes
    [job] = kubernetes["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["posthouse"]}}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(kubernetes))
    (tmp_path / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
    judged(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_every_alert_speaks_when_it_should_and_only_then() -> None:
    judged(tool("promtool"), "test", "rules", FOLDER / "alerts_test.yml")


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tested = (FOLDER / "alerts_test.yml").read_text()
    for rule in alerts():
        assert f"alertname: {rule['alert']}\n" in tested or f'alertname="{rule["alert"]}"' in tested, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"] and rule["annotations"]["do"]


def test_the_dashboard_s_queries_are_ones(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    judged(tool("promtool"), "check", "rules", tmp_path / "rules.yml")


def test_the_dashboard_s_panels_have_their_places() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
