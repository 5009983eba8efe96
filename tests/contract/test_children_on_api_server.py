"""Every golden object is what a real API server takes, and what it makes of it is never written again.

All by dry run, in a namespace of its own that enforces the restricted Pod Security level.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from tests.golden.render import CASES, HERE
from tests.rollout.small_cluster import Object

from moorage_operator.names import CHILD_MANAGER
from moorage_operator.plan.difference import difference

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig")
KUBECTL = next((str(path) for path in [ROOT / ".local" / "bin" / "kubectl"] if path.exists()), "kubectl")
LEVEL = {"pod-security.kubernetes.io/enforce": "restricted"}
CLUSTER_OF_THE_CASE = ("priorityClassName", "runtimeClassName", "serviceAccountName")
"""What only the cluster of the case has."""


def kubectl(*arguments: str, body: Object | None = None) -> Any:
    command = [KUBECTL, "--kubeconfig", KUBECONFIG, *arguments, "-o", "json"]
    given = None if body is None else json.dumps(body)
    done = subprocess.run(command, input=given, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    name = f"children-{uuid4().hex[:6]}"
    kubectl(
        "create", "-f", "-", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": LEVEL}}
    )
    yield name
    subprocess.run(
        [KUBECTL, "--kubeconfig", KUBECONFIG, "delete", "namespace", name, "--wait=false"], timeout=60, check=True
    )


def children(case: str) -> list[Object]:
    bodies = yaml.safe_load_all((HERE / case / "out.yaml").read_text())
    return [body for body in bodies if "kind" in body]


@pytest.mark.parametrize("case", CASES)
def test_taken_and_never_written_again(case: str, namespace: str) -> None:
    options = ("--server-side", "--force-conflicts", f"--field-manager={CHILD_MANAGER}", "--dry-run=server", "-f", "-")
    for body in children(case):
        body["metadata"]["namespace"] = namespace
        live = kubectl("apply", *options, body=body)
        assert difference(live, body) is None, f"{body['kind']} {body['metadata']['name']}"


@pytest.mark.parametrize("case", CASES)
def test_every_pod_is_restricted(case: str, namespace: str) -> None:
    for body in children(case):
        if body["kind"] != "Deployment":
            continue
        template = body["spec"]["template"]
        spec = {key: value for key, value in template["spec"].items() if key not in CLUSTER_OF_THE_CASE}
        metadata = {**template["metadata"], "name": "probe", "namespace": namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        taken = kubectl("create", "--dry-run=server", "-f", "-", body=pod)
        assert taken["spec"]["containers"][0]["name"] == "server"
