"""The CRD against a real API server: what it takes, what it refuses and with which words, defaults, columns and scale.

It installs the CRD under a group of its own, so that no operator reacts and no other CRD is touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from kubernetes import client, config
from tests.contract.crd_cases import GOOD, REFUSED, TAKEN, Case, merged

from moorage_operator.api.crd import PLURAL, VERSION, crd, crd_text
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.structural import Schema

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig")
KUBECTL = next((str(path) for path in [ROOT / ".local" / "bin" / "kubectl"] if path.exists()), "kubectl")


class Server:
    """The API server, holding the CRD under `group`, and a namespace for it."""

    def __init__(self, api: Any, group: str, namespace: str) -> None:
        self.group, self.namespace = group, namespace
        self.objects = client.CustomObjectsApi(api)
        self.definitions = client.ApiextensionsV1Api(api)
        self.core = client.CoreV1Api(api)

    @property
    def where(self) -> dict[str, str]:
        return {"group": self.group, "version": VERSION, "namespace": self.namespace, "plural": PLURAL}

    def body(self, body: Schema) -> Schema:
        return merged(body, {"apiVersion": f"{self.group}/{VERSION}"})

    def create(self, body: Schema, **options: Any) -> Schema:
        created: Schema = self.objects.create_namespaced_custom_object(
            **self.where, body=self.body(body), field_validation="Strict", **options
        )
        return created

    def refusal(self, body: Schema) -> str:
        """The message of the refusal, empty when there is none."""
        try:
            self.create(body, dry_run="All")
        except client.ApiException as refused:
            return str(json.loads(refused.body)["message"])
        return ""

    def install(self) -> None:
        body = crd()
        body["metadata"]["name"] = f"{PLURAL}.{self.group}"
        body["spec"]["group"] = self.group
        body["spec"]["names"] |= {"shortNames": [], "categories": []}
        self.definitions.create_custom_resource_definition(body)
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        _until(lambda: self.objects.list_namespaced_custom_object(**self.where) is not None)
        _until(lambda: self.refusal(dict(GOOD)) == "")

    def remove(self) -> None:
        self.definitions.delete_custom_resource_definition(f"{PLURAL}.{self.group}")
        self.core.delete_namespace(self.namespace)


def _until(question: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if question():
                return
        except client.ApiException:
            pass
        if time.monotonic() > end:
            raise TimeoutError("the API server does not serve the CRD")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    run = uuid4().hex[:8]
    server = Server(config.new_client_from_config(KUBECONFIG), f"c{run}.moorage.test", f"crd-contract-{run}")
    try:
        server.install()
        yield server
    finally:
        server.remove()


def kubectl(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [KUBECTL, "--kubeconfig", KUBECONFIG, *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_takes(server: Server, case: Case) -> None:
    assert server.refusal(case.body) == ""


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_parses_what_the_server_gives_back(server: Server, case: Case) -> None:
    given = server.create(case.body, dry_run="All")
    assert ModelDeployment.model_validate(given).spec.timeout == given["spec"]["timeout"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refuses_with_the_field_and_the_cure(server: Server, case: Case) -> None:
    message = server.refusal(case.body)
    assert [words for words in case.refusal if words not in message] == [], message or "it was taken"


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda file: file.name)
def test_takes_the_examples(server: Server, file: Path) -> None:
    for body in yaml.safe_load_all(file.read_text()):
        assert server.refusal(body) == ""


def test_is_taken_by_plain_kubectl_apply() -> None:
    """Client-side apply keeps the whole object in an annotation of at most 256 KiB."""
    done = kubectl("apply", "--dry-run=server", "-f", "-", stdin=crd_text())
    assert done.returncode == 0, done.stderr
    assert len(json.dumps(crd())) < 256 * 1024


def test_kubectl_tells_the_field(server: Server) -> None:
    bad = server.body(merged(GOOD, {"spec": {"minReplicas": 3, "maxReplicas": 2}}))
    done = kubectl("apply", "-n", server.namespace, "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(bad))
    assert done.returncode == 1
    assert "spec.maxReplicas" in done.stderr
    assert "raise maxReplicas or lower minReplicas" in done.stderr


def test_kubectl_explains_meaning_default_and_example(server: Server) -> None:
    asked = [f"{PLURAL}.spec.{field}" for field in ("timeout", "model.storageUri")]
    texts = [
        " ".join(kubectl("explain", field, f"--api-version={server.group}/{VERSION}").stdout.split()) for field in asked
    ]
    assert "500ms, 5s, 1m30s; at most 1h. Default: 60s." in texts[0]
    assert "Example: models:/fraud@champion." in texts[1]


def test_fresh_object_has_defaults_and_reads_as_in_progress(server: Server) -> None:
    server.create(merged(GOOD, {"metadata": {"name": "fresh"}, "status": {"observedGeneration": 1}}))
    given = server.objects.get_namespaced_custom_object(**server.where, name="fresh")
    assert given["status"] == {"observedGeneration": -1}
    assert given["metadata"]["generation"] == 1
    assert given["spec"] == {
        "model": {"storageUri": "models:/fraud@champion", "registry": "default"},
        "runtime": "onnx",
        "minReplicas": 1,
        "timeout": "60s",
        "progressDeadlineSeconds": 600,
        "allowSchemaChange": False,
        "revisionHistoryLimit": 10,
    }
    parsed = ModelDeployment.model_validate(given)
    assert (parsed.status.observed_generation, parsed.spec.env, parsed.spec.max_replicas) == (-1, (), None)


STATUS = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 1,
        }
    ],
    "version": "3",
    "ready": "2/3",
    "traffic": "3: 100 %",
    "replicas": 3,
    "readyReplicas": 2,
    "selector": "moorage.dev/model-deployment=told",
    "url": "http://told.ns.svc",
}


@pytest.fixture(scope="module")
def told(server: Server) -> str:
    """The name of an object whose status was written."""
    server.create(merged(GOOD, {"metadata": {"name": "told"}}))
    server.objects.patch_namespaced_custom_object_status(**server.where, name="told", body={"status": STATUS})
    return "told"


def test_columns(server: Server, told: str) -> None:
    done = kubectl("get", "-n", server.namespace, f"{PLURAL}.{server.group}", told, "-o", "wide")
    head, row = (line.split() for line in done.stdout.splitlines())
    assert head == ["NAME", "READY", "VERSION", "REPLICAS", "TRAFFIC", "URL", "AGE"]
    assert row[:8] == ["told", "True", "3", "2/3", "3:", "100", "%", "http://told.ns.svc"]


def test_status_is_a_subresource_and_keeps_the_generation(server: Server, told: str) -> None:
    server.objects.patch_namespaced_custom_object(**server.where, name=told, body={"status": {"version": "forged"}})
    given = server.objects.get_namespaced_custom_object(**server.where, name=told)
    assert (given["status"]["version"], given["metadata"]["generation"]) == ("3", 1)


def test_scale_reads_the_status_and_writes_min_replicas(server: Server, told: str) -> None:
    scale = server.objects.get_namespaced_custom_object_scale(**server.where, name=told)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (1, 3)
    assert scale["status"]["selector"] == "moorage.dev/model-deployment=told"
    done = kubectl("scale", "-n", server.namespace, f"{PLURAL}.{server.group}", told, "--replicas=2")
    assert done.returncode == 0, done.stderr
    assert server.objects.get_namespaced_custom_object(**server.where, name=told)["spec"]["minReplicas"] == 2
