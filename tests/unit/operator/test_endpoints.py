"""Which endpoint an artifact is fetched from: by the name in spec.model.registry, never by anything else of the CR."""

from __future__ import annotations

import pytest

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Endpoint, Resolved
from moorage_operator.endpoints import Endpoints

HOME, LAKE, CLOUD = Endpoint(endpoint="http://s3.home"), Endpoint(endpoint="http://s3.lake"), Endpoint()
MLFLOW = Endpoint(tracking_uri="http://mlflow")
ENDPOINTS = Endpoints(stores={"default": HOME, "lake": LAKE}, registries={"default": MLFLOW})


def asked(uri: str, registry: str, endpoints: Endpoints = ENDPOINTS) -> Endpoint:
    spec = {"model": {"storageUri": "s3://b/1", "registry": registry}}
    metadata = {"name": "fraud", "namespace": "risk", "uid": "u"}
    deployment = ModelDeployment.model_validate({"metadata": metadata, "spec": spec})
    return endpoints.of(deployment, Resolved("models:/fraud/1", "1", uri, registry))


@pytest.mark.parametrize(
    ("uri", "registry", "expected"),
    [
        ("s3://b/1", "default", HOME),
        ("s3://b/1", "lake", LAKE),
        ("s3://b/1", "a-registry-without-a-store", HOME),
        ("mlflow-artifacts:/1/m", "default", MLFLOW),
        ("pvc://claim/1", "default", CLOUD),
    ],
)
def test_the_name_decides(uri: str, registry: str, expected: Endpoint) -> None:
    assert asked(uri, registry) == expected


def test_without_any_store_it_is_the_clouds_own() -> None:
    assert asked("s3://b/1", "default", Endpoints(stores={}, registries={})) == CLOUD
