"""A revision's name: it follows what the user chose, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.rollout.small_cluster import custom_resource

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Resolved
from moorage_operator.desired.revision import revision_hash
from moorage_operator.names import revision_name, revision_of

RESOLVED = Resolved("models:/fraud@champion", "3", "mlflow-artifacts:/1/models/m-1/artifacts")
TENSOR = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}


def hashed(resolved: Resolved = RESOLVED, model: dict[str, Any] | None = None, **spec: Any) -> str:
    body = custom_resource(**spec)
    body["spec"]["model"].update(model or {})
    return revision_hash(ModelDeployment.model_validate(body).spec, resolved)


def test_a_release_never_renames_a_revision() -> None:
    assert hashed() == "7d6e500039", "a renamed revision restarts every model of every user"


NAMES: dict[str, dict[str, Any]] = {
    "env": {"env": [{"name": "A", "value": "1"}]},
    "resources": {"resources": {"limits": {"memory": "1Gi"}}},
    "nodeSelector": {"nodeSelector": {"disk": "ssd"}},
    "tolerations": {"tolerations": [{"operator": "Exists"}]},
    "podTemplate": {"podTemplate": {"metadata": {"annotations": {"a": "b"}}}},
    "testRequest": {"testRequest": {"inputs": [TENSOR]}},
    "timeout": {"timeout": "5s"},
    "digest": {"model": {"digest": "sha256:" + "a" * 64}},
    "secretName": {"model": {"secretName": "keys"}},
    "registry": {"model": {"registry": "other"}},
    "version": {"resolved": Resolved(RESOLVED.storage_uri, "4", RESOLVED.artifact_uri)},
    "artifact": {"resolved": Resolved(RESOLVED.storage_uri, "3", "mlflow-artifacts:/1/models/m-2/artifacts")},
}


@pytest.mark.parametrize("field", NAMES)
def test_what_names_a_revision(field: str) -> None:
    assert hashed(**NAMES[field]) != hashed()


IGNORED: dict[str, dict[str, Any]] = {
    "minReplicas": {"minReplicas": 5},
    "maxReplicas": {"maxReplicas": 9},
    "autoScaling": {"maxReplicas": 9, "autoScaling": {"metrics": []}},
    "progressDeadlineSeconds": {"progressDeadlineSeconds": 30},
    "a default, spelled out": {"timeout": "60s", "env": [], "runtime": "onnx"},
    "the alias, when it means the same": {"uri": "models:/fraud/3"},
}


@pytest.mark.parametrize("field", IGNORED)
def test_what_does_not(field: str) -> None:
    assert hashed(**IGNORED[field]) == hashed()


def test_names_of_revisions_are_found_again() -> None:
    assert re.fullmatch("[0-9a-f]{10}", hashed())
    assert revision_of("fraud", revision_name("fraud", hashed())) == hashed()
    assert revision_of("fraud", "fraud-routes") is None
    assert revision_of("fraud", "fraud-eu-0123456789") is None
