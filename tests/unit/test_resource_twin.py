"""`moorage run` reads a ModelDeployment by itself; the operator tells the pod. Both must come to the same settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired.runtime_config import runtime_config
from moorage_runtime.commands import resource
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.errors import RuntimeFault

ROOT = Path(__file__).parents[2]
EVERY = """
apiVersion: moorage.dev/v1alpha1
kind: ModelDeployment
metadata: {name: every, namespace: team}
spec:
  model:
    storageUri: models:/every/7
    modelFormat: {name: onnx}
    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
    onnx: {intraOpNumThreads: 2, graphOptimizationLevel: basic, executionProviders: [CPUExecutionProvider]}
  timeout: 1m30s
  batcher: {maxBatchSize: 8, maxLatency: 2ms}
  cache: {maxEntries: 5, ttl: 90s, maxBytes: 2Mi}
  containerConcurrency: 9
  maxQueueLength: 3
  maxRequestBytes: 3Mi
  accessLog: {percent: 12.5}
  testRequest:
    inputs: [{name: X, shape: [1, 2], datatype: FP32, data: [1, 2]}]
    expect: {outputs: [{name: label, data: [0]}]}
    tolerance: 0.01
"""


def documents() -> list[dict[str, Any]]:
    files = sorted((ROOT / "examples").glob("*.yaml"))
    texts = [EVERY, *(path.read_text() for path in files)]
    return [each for text in texts for each in yaml.safe_load_all(text) if each and each["kind"] == "ModelDeployment"]


def told_by_operator(document: dict[str, Any]) -> RuntimeConfig:
    whole = {**document, "metadata": {"namespace": "", "uid": "u", **document["metadata"]}}
    owner = ModelDeployment.model_validate(whole)
    resolved = Resolved(version="local", artifact_uri="s3://bucket/x", storage_uri=owner.spec.model.storage_uri)
    return runtime_config(owner, resolved, "local", Defaults(image="x"), Endpoint())


@pytest.mark.parametrize("document", documents(), ids=lambda document: document["metadata"]["name"])
def test_the_same_document_gives_the_same_settings(document: dict[str, Any]) -> None:
    mine, theirs = resource.wish(document).settings, told_by_operator(document)
    same = {"source": mine.source, "drain_seconds": mine.drain_seconds, "api_keys": mine.api_keys}
    assert mine == msgspec.structs.replace(theirs, **same)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"timeout": "soon"}, "spec.timeout: 'soon' is no duration"),
        ({"cache": {"maxBytes": "many"}}, "spec.cache.maxBytes: 'many' is no quantity"),
        ({"batcher": [1]}, "spec.batcher: must be a mapping"),
        ({"runtime": "triton"}, "spec.runtime: 'triton' cannot run here"),
        ({"model": {}}, "spec.model.storageUri: is needed"),
        ({"containerConcurrency": "many"}, r"Expected `int"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_path(change: dict[str, Any], text: str) -> None:
    document = {"kind": "ModelDeployment", "metadata": {"name": "m"}, "spec": {"model": {"storageUri": "m.onnx"}}}
    document["spec"] = {**document["spec"], **change}  # type: ignore[dict-item]
    with pytest.raises(RuntimeFault, match=text):
        resource.wish(document)


def test_what_only_a_cluster_understands_is_named() -> None:
    spec = {"model": {"storageUri": "m.onnx"}, "minReplicas": 2, "auth": {"secretName": "keys"}}
    found = resource.wish({"metadata": {"name": "m"}, "spec": spec})
    assert found.unused == ("auth", "minReplicas")
