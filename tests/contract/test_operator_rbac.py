"""What the installed operator may do, asked of a real API server and held against tests/golden/rbac.

After a change that is meant: MOORAGE_GOLDEN=write pytest tests/contract/test_operator_rbac.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "rbac"
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig")
LOCAL = ROOT / ".local" / "bin" / "kubectl"
KUBECTL = str(LOCAL) if LOCAL.exists() else "kubectl"
RBAC = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
EVERYBODY = ("selfsubject", "[/")


def kubectl(*arguments: str, given: str | None = None) -> str:
    command = [KUBECTL, "--kubeconfig", KUBECONFIG, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    made = f"rbac-{uuid4().hex[:8]}"
    kubectl("create", "namespace", made)
    yield made
    kubectl("delete", "namespace", made, "--wait=false")


@pytest.fixture(params=["cluster", "namespaced"])
def install(request: pytest.FixtureRequest, namespace: str) -> Iterator[str]:
    """The variant's permissions, granted to the same account name in a namespace of the test's own."""
    rendered = yaml.safe_load_all(kubectl("kustomize", str(ROOT / "manifests" / request.param)))
    granted = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [_moved(each, namespace) for each in rendered if each["kind"] in RBAC],
        }
    )
    kubectl("apply", "--server-side", "-f", "-", given=granted)
    yield request.param
    kubectl("delete", "-f", "-", given=granted)


def _moved(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The object in the test's namespace; cluster-wide ones under a name of their own, beside a real install."""
    text = json.dumps(body).replace("moorage-system", namespace)
    moved: dict[str, Any] = json.loads(text)
    if body["kind"].startswith("Cluster"):
        moved["metadata"]["name"] += f"-{namespace}"
    if body["kind"] == "ClusterRoleBinding":
        moved["roleRef"]["name"] += f"-{namespace}"
    return moved


def listed(account: str, where: str) -> str:
    lines = kubectl("auth", "can-i", "--list", f"--as={account}", "-n", where).splitlines()[1:]
    return "".join(
        sorted(f"{re.sub(' +', ' ', line).strip()}\n" for line in lines if not any(word in line for word in EVERYBODY))
    )


@pytest.mark.parametrize("where", ["own", "elsewhere"])
def test_permissions_are_as_reviewed(install: str, namespace: str, where: str) -> None:
    place = namespace if where == "own" else "default"
    found = listed(f"system:serviceaccount:{namespace}:moorage-operator", place)
    golden = GOLDEN / f"{install}-{where}.txt"
    if os.environ.get("MOORAGE_GOLDEN") == "write":
        golden.write_text(found)
    assert found == golden.read_text()


def test_secrets_are_out_of_reach(install: str, namespace: str) -> None:
    account = f"--as=system:serviceaccount:{namespace}:moorage-operator"
    for verb in ("get", "list", "watch", "create"):
        command = [KUBECTL, "--kubeconfig", KUBECONFIG, "auth", "can-i", verb, "secrets", "-n", namespace, account]
        assert subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == "no", (
            install,
            verb,
        )
