"""What a person meets first: kubectl's own commands on the kind, the examples, the install for one namespace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from e2e.harness.api import ApiServer, Object
from e2e.harness.claim import fill_claim
from e2e.harness.installed import NAME, NAMESPACE, Installed
from e2e.harness.kinds import DEPLOYMENT, MODEL_DEPLOYMENT
from e2e.harness.models import Registry, Store, train
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_explain_get_and_scale(
    room: Room, operator: Installed, store: Store, store_keys: dict[str, str], unique: str
) -> None:
    kubectl = room.kubectl
    explained = kubectl.run("explain", "mdep.spec.model.storageUri")
    assert "models:/" in explained
    assert "s3://" in explained
    uri = store.put(unique, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    room.deploy("cancer", uri, model={"secretName": "model-store"})
    room.wait_steady("cancer")
    header, row = kubectl.run("get", "mdep", "-n", room.namespace).strip().splitlines()
    assert header.split()[:5] == ["NAME", "READY", "VERSION", "REPLICAS", "TRAFFIC"]
    assert row.split()[:2] == ["cancer", "True"]
    assert "1/1" in row
    kubectl.run("scale", "-n", room.namespace, "mdep/cancer", "--replicas=2")
    scaled = room.wait("cancer", "two pods", lambda body: body["status"].get("readyReplicas") == 2)
    assert scaled["spec"]["minReplicas"] == 2
    told = json.loads(kubectl.run("get", "-n", room.namespace, "mdep/cancer", "--subresource=scale", "-o", "json"))
    assert told["status"]["replicas"] == 2
    assert (
        len(kubectl.run("get", "pods", "-n", room.namespace, "-l", told["status"]["selector"], "-o", "name").split())
        == 2
    )


@pytest.fixture(scope="module")
def what_examples_name(registry: Registry, store: Store) -> None:
    """The registered model with its aliases, and the folder in the bucket."""
    champion, challenger = registry.publish("breast-cancer", 0, 1)
    registry.alias("breast-cancer", "champion", champion)
    registry.alias("breast-cancer", "challenger", challenger)
    store.put("breast-cancer/1", {"model.onnx": train(0).onnx})


@pytest.mark.usefixtures("operator", "what_examples_name")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_served(example: Path, room: Room, store_keys: dict[str, str], traffic: Traffic) -> None:
    room.secret("model-artifacts", store_keys)
    room.kubectl.run("apply", "-n", room.namespace, "-f", str(example))
    document = yaml.safe_load(example.read_text())
    name = document["metadata"]["name"]
    if document["spec"]["model"]["storageUri"].startswith("pvc://"):
        fill_claim(room, "models", "breast-cancer", train(0).onnx)
    room.wait_steady(name)
    told = room.wait(name, "all that stands beside it", lambda body: all_stand(body["status"]))["status"]
    status, headers, _ = traffic.ask(room.url(name), train(0).request)
    assert status == 200
    arms = [guest["model"]["version"] for guest in told.get("guests", []) if guest["role"] == "arm"]
    assert headers["x-model-version"] in [told["version"], *arms]


def all_stand(status: Object) -> bool:
    """Whether nothing keeps a shadow or an arm."""
    return not any("reason" in guest for guest in status.get("guests", []))


@pytest.fixture
def overlay(api: ApiServer, operator: Installed, room: Room) -> Iterator[str]:
    """The namespaced install, in this test's namespace, with the local parts; the operator of the cluster is away."""
    folder = ROOT / ".local" / "e2e" / room.namespace
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "manifests" / "local" / "settings.yaml", folder)
    generator = {"name": "moorage-settings", "behavior": "replace", "files": ["settings.yaml"]}
    kustomization = {
        "namespace": NAMESPACE,
        "resources": ["../../../manifests/namespaced"],
        "configMapGenerator": [generator],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    rendered = room.kubectl.run("kustomize", str(folder)).replace(NAMESPACE, room.namespace)
    shutil.rmtree(folder)
    with operator.away():
        yield rendered


def test_install_for_one_namespace(
    room: Room,
    overlay: str,
    registry: Registry,
    traffic: Traffic,
    api: ApiServer,
    unique: str,
    request: pytest.FixtureRequest,
) -> None:
    kinds = {document["kind"] for document in yaml.safe_load_all(overlay)}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
    room.kubectl.run("apply", "--server-side", "--force-conflicts", "-f", "-", text=overlay)
    available = ("--for=condition=Available", f"deployment/{NAME}", "--timeout=60s")
    room.kubectl.run("wait", "-n", room.namespace, *available, seconds=70)
    elsewhere = Room(api, room.kubectl, "elsewhere")
    request.addfinalizer(elsewhere.close)
    [version] = registry.publish(unique, 0)
    elsewhere.deploy("cancer", f"models:/{unique}/{version}")
    room.deploy("cancer", f"models:/{unique}/{version}")
    room.wait_steady("cancer", version)
    assert traffic.ask(room.url("cancer"), train(0).request)[0] == 200
    assert elsewhere.get("cancer")["status"] == {"observedGeneration": -1}, "it reached into another namespace"
    account = f"--as=system:serviceaccount:{room.namespace}:{NAME}"
    for verb, what in (("list", "pods"), ("get", "secrets"), ("create", "deployments.apps")):
        assert "no" in room.kubectl.run("auth", "can-i", verb, what, "-n", elsewhere.namespace, account, check=False)
    assert api.get(DEPLOYMENT, room.namespace, NAME)["status"]["readyReplicas"] >= 1
    room.api.delete(MODEL_DEPLOYMENT, room.namespace, "cancer")
