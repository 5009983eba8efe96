"""Resolution against the cluster's real MLflow: the answers and refusals that the unit tests' fake imitates."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Resolution
from moorage_operator.registry.resolve import Registries
from moorage_operator.registry.server import RegistrySource

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
KUBECONFIG = os.environ.get("KUBECONFIG") or str(ROOT / ".local" / "kubeconfig")
LOCAL = ROOT / ".local" / "bin" / "kubectl"
KUBECTL = str(LOCAL) if LOCAL.exists() else "kubectl"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """MLflow, forwarded to a port of the loopback."""
    command = [KUBECTL, "--kubeconfig", KUBECONFIG, "-n", "moorage-parts", "port-forward", "svc/mlflow", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout is not None
        found = re.search(r"127\.0\.0\.1:\d+", forward.stdout.readline())
        assert found is not None
        yield f"http://{found[0]}"
        forward.terminate()


def post(url: str, path: str, **body: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/2.0/mlflow/{path}", json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return dict(json.load(answer))


@pytest.fixture(scope="module")
def model(url: str) -> str:
    """A registered model: version 1 made from a logged model, version 2 from an S3 path; `champion` is 1."""
    name = f"contract-{uuid4().hex[:8]}"
    experiment = post(url, "experiments/create", name=name)["experiment_id"]
    logged = post(url, "logged-models", experiment_id=experiment, name="m")["model"]["info"]
    post(url, "registered-models/create", name=name)
    post(url, "model-versions/create", name=name, source=f"models:/{logged['model_id']}", model_id=logged["model_id"])
    post(url, "model-versions/create", name=name, source="s3://models/other")
    post(url, "registered-models/alias", name=name, alias="champion", version="1")
    post(
        url, "model-versions/transition-stage", name=name, version="2", stage="Staging", archive_existing_versions=False
    )
    return name


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def resolve(session: aiohttp.ClientSession, url: str, uri: str, **headers: str) -> Resolution:
    session.headers.update(headers)
    registries = Registries({"default": RegistrySource("default", url, Path("/nowhere"))}, session, lambda _: None)
    body = {
        "metadata": {"name": "demo", "namespace": "ns", "uid": "u"},
        "spec": {"model": {"storageUri": uri}},
    }
    return await registries.resolve(ModelDeployment.model_validate(body))


@pytest.mark.parametrize(("name", "version"), [("@champion", "1"), ("/1", "1"), ("/2", "2"), ("/Staging", "2")])
async def test_names_resolve(session: aiohttp.ClientSession, url: str, model: str, name: str, version: str) -> None:
    resolution = await resolve(session, url, f"models:/{model}{name}")
    assert resolution.fault is None
    assert resolution.resolved is not None
    assert resolution.resolved.version == version
    scheme = "mlflow-artifacts:/" if version == "1" else "s3://models/other"
    assert resolution.resolved.artifact_uri.startswith(scheme)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("models:/{}@nobody", "AliasNotFound"),
        ("models:/{}/99", "VersionNotFound"),
        ("models:/{}/Production", "StageEmpty"),
        ("models:/{}-gone@champion", "ModelNotFound"),
        ("models:/{}-gone/1", "ModelNotFound"),
        ("models:/{}-gone/Staging", "ModelNotFound"),
    ],
)
async def test_refusals_have_their_names(
    session: aiohttp.ClientSession, url: str, model: str, uri: str, reason: str
) -> None:
    resolution = await resolve(session, url, uri.format(model))
    assert resolution.resolved is None
    assert resolution.fault is not None
    assert resolution.fault.reason == reason


async def test_the_host_check_is_told_from_a_lack_of_rights(
    session: aiohttp.ClientSession, url: str, model: str
) -> None:
    resolution = await resolve(session, url, f"models:/{model}/1", Host="evil.example")
    assert resolution.fault is not None
    assert resolution.fault.reason == "RegistryHostNotAllowed"
    assert "--allowed-hosts" in resolution.fault.message
