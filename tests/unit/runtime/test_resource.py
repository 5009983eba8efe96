"""What `moorage run` says of a ModelDeployment that it cannot read, or can read only in part."""

from __future__ import annotations

from typing import Any

import pytest

from moorage_runtime.commands import resource
from moorage_runtime.errors import RuntimeFault


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


def test_so_is_what_lies_deeper() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    cache = {"maxEntries": 5, "backend": "default", "secretName": "x"}
    found = resource.wish(
        {"spec": {"model": {"storageUri": "s3://b/m", "secretName": "s"}, "cache": cache, "env": env}}
    )
    assert found.unused == ("cache.backend", "cache.secretName", "env[B].valueFrom", "model.secretName")
    assert found.env == {"A": "1"}
