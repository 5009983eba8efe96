"""`moorage diff` against a real API server: it tells what would change, and changes nothing.

An operator may be at work in the cluster meanwhile; what it writes by then does not matter here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from tests.contract.crd_cases import GOOD, merged

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig")
KUBECTL = next((str(path) for path in [ROOT / ".local" / "bin" / "kubectl"] if path.exists()), "kubectl")
SETTINGS = str(ROOT / "manifests" / "local" / "settings.yaml")


def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, text=True, capture_output=True, timeout=60, check=False)


def kubectl(*words: str, given: str = "") -> str:
    done = run(KUBECTL, "--kubeconfig", KUBECONFIG, *words, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def moorage(*words: str, given: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "moorage_runtime.cli", *words, given=given)


def diff(namespace: str, body: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    words = ("diff", "-", "--kubeconfig", KUBECONFIG, "--settings", SETTINGS, "-n", namespace)
    return moorage(*words, given=yaml.safe_dump(body))


def resource(**spec: Any) -> dict[str, Any]:
    return merged(GOOD, {"spec": {"model": {"storageUri": "s3://models/nothing/3"}, **spec}})


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    name = f"diff-{uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def living(namespace: str) -> str:
    """The resource and its children, as they are once it serves; the name of its namespace."""
    kubectl("apply", "--server-side", "-n", namespace, "-f", "-", given=yaml.safe_dump(resource(minReplicas=2)))
    seen = kubectl("get", "mdep", "-n", namespace, "fraud", "-o", "yaml")
    rendered = moorage("render", "-", "--settings", SETTINGS, given=seen)
    assert rendered.returncode == 0, rendered.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=moorage", "-f", "-", given=rendered.stdout)
    return namespace


def test_a_new_resource_adds_its_objects(namespace: str) -> None:
    done = diff(namespace, merged(resource(), {"metadata": {"name": "new"}}))
    assert done.returncode == 1, done.stderr
    assert f"# ModelDeployment {namespace}/new: is new: revision " in done.stdout
    assert "+++ Deployment/new-" in done.stdout


def test_a_changed_resource_tells_its_revision_and_writes_nothing(living: str) -> None:
    before = kubectl("get", "deployments,services", "-n", living, "-o", "name")
    done = diff(living, resource(minReplicas=3, timeout="5s"))
    assert done.returncode == 1, done.stderr
    assert "make before break, because of:\n#   spec.timeout: 60s -> 5s\n" in done.stdout
    assert "# without a new revision:\n#   spec.minReplicas: 2 -> 3\n" in done.stdout
    assert "-            timeoutSeconds: 60.0\n+            timeoutSeconds: 5.0\n" in done.stdout
    assert kubectl("get", "deployments,services", "-n", living, "-o", "name") == before
    assert kubectl("get", "mdep", "-n", living, "fraud", "-o", "jsonpath={.spec.timeout}") == "60s"


def test_the_same_revision_keeps_its_pods(living: str) -> None:
    done = diff(living, resource(minReplicas=4))
    assert done.returncode == 1, done.stderr
    assert ": its pods stay\n# without a new revision:\n#   spec.minReplicas: 2 -> 4\n" in done.stdout
    assert "+  replicas: 4\n" in done.stdout
