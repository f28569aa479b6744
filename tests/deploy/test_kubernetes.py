"""The manifests fit the schemas of Kubernetes, and each other."""

from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.conftest import DEPLOY, documents

FOLDER = DEPLOY / "kubernetes"
VERSIONS = ("1.30", "1.34")


def manifests() -> list[dict[str, Any]]:
    return [one for one in documents(*sorted(FOLDER.glob("*.yaml"))) if one["kind"] != "Kustomization"]


def one(kind: str, name: str) -> Any:
    [found] = [each for each in manifests() if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", manifests(), ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_every_manifest_fits_its_schema(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_are_strict() -> None:
    house = one("StatefulSet", "posthouse")
    house["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(house, VERSIONS[0], strict=True)


def test_what_is_applied_is_all_there() -> None:
    [kustomization] = documents(FOLDER / "kustomization.yaml")
    listed = set(kustomization["resources"])
    assert listed == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secrets.example.yaml"}


@pytest.mark.parametrize("name", ["posthouse", "redis"])
def test_who_selects_pods_finds_them(name: str) -> None:
    stateful = one("StatefulSet", name)
    labels = stateful["spec"]["template"]["metadata"]["labels"]
    selectors = [stateful["spec"]["selector"]["matchLabels"], one("Service", name)["spec"]["selector"]]
    if name == "posthouse":
        selectors += [
            one("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"],
            one("Service", stateful["spec"]["serviceName"])["spec"]["selector"],
        ]
    assert all(selector.items() <= labels.items() for selector in selectors)


def test_one_house_may_be_away_and_no_client_is_bound_to_one() -> None:
    assert one("PodDisruptionBudget", "posthouse")["spec"]["maxUnavailable"] == 1
    assert one("StatefulSet", "posthouse")["spec"]["replicas"] >= 3
    assert one("Service", "posthouse")["spec"]["sessionAffinity"] == "None"


def test_a_house_has_time_to_stop_and_is_not_ended_for_what_it_cannot_help() -> None:
    spec = one("StatefulSet", "posthouse")["spec"]["template"]["spec"]
    [house] = spec["containers"]
    assert spec["terminationGracePeriodSeconds"] >= 5 + 10 + 10
    assert house["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert house["livenessProbe"]["httpGet"]["path"] == house["startupProbe"]["httpGet"]["path"] == "/health"
    assert "cpu" not in house["resources"]["limits"]


def test_what_is_mounted_exists_and_the_root_is_read_only() -> None:
    for name in ("posthouse", "redis"):
        spec = one("StatefulSet", name)["spec"]
        [container] = spec["template"]["spec"]["containers"]
        volumes = {volume["name"] for volume in spec["template"]["spec"].get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["securityContext"]["readOnlyRootFilesystem"]


def test_every_secret_that_is_read_has_an_example() -> None:
    secrets = {
        one["metadata"]["name"]: set(one.get("stringData", {})) for one in documents(FOLDER / "secrets.example.yaml")
    }
    spec = one("StatefulSet", "posthouse")["spec"]["template"]["spec"]
    assert {source["secretRef"]["name"] for source in spec["containers"][0]["envFrom"]} <= secrets.keys()
    assert {v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v} <= secrets.keys()
    [redis] = one("StatefulSet", "redis")["spec"]["template"]["spec"]["containers"]
    for variable in redis["env"]:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert reference["key"] in secrets[reference["name"]]


def test_figures_are_not_on_the_way_in() -> None:
    [rule] = one("Ingress", "posthouse")["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == {"/api", "/connection", "/.well-known"}
