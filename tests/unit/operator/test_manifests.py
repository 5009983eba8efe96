"""The install: least privilege, and the two variants alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage_operator.cluster.kinds import CHILDREN

MANIFESTS = Path(__file__).parents[3] / "manifests"


def objects(path: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / path).read_text()))


def rules(path: str) -> list[dict[str, Any]]:
    return [rule for each in objects(path) if each["kind"] in ("Role", "ClusterRole") for rule in each["rules"]]


ROLES = ("cluster/role.yaml", "namespaced/role.yaml", "base/lease-role.yaml")


def test_both_installs_grant_the_same() -> None:
    assert rules("cluster/role.yaml") == rules("namespaced/role.yaml")


@pytest.mark.parametrize("path", ROLES)
def test_no_secret_no_star_and_nothing_that_escalates(path: str) -> None:
    for rule in rules(path):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"secrets", "pods/exec", "pods/log", "nodes", "serviceaccounts", "roles"} & set(rule["resources"])
        assert not {"escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"])


def test_every_child_kind_can_be_read_and_applied() -> None:
    granted = {
        (g, r): set(rule["verbs"])
        for rule in rules("cluster/role.yaml")
        for g in rule["apiGroups"]
        for r in rule["resources"]
    }
    for kind in CHILDREN:
        group = kind.group.partition("/")[0]
        assert {"get", "list", "watch", "create", "patch"} <= granted[(group, kind.plural)], kind.name


def test_the_operator_meets_the_restricted_level() -> None:
    pod = objects("base/deployment.yaml")[0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
