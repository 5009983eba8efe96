"""`moorage serve` before the clients of others: which of many models is ready, and how they come and go."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_triton_grpc import run_on
from tests.unit.runtime import models
from tests.unit.runtime.command import Command

kserve: Any = importlib.import_module("kserve")
triton: Any = importlib.import_module("tritonclient.http")
READY = {"bad": False, "fraud": True, "waiting": False}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "models"
    (folder / "bad").mkdir(parents=True)
    (folder / "bad" / "model.onnx").write_text("no model")
    for name in ("fraud", "waiting"):
        models.write_boosting(folder / name)
    return folder


@pytest.fixture(scope="module")
def many(shelf: Path) -> Iterator[Command]:
    """Model bad is corrupt, fraud is loaded, waiting waits to be asked for."""
    running = Command(shelf.parent, "serve", str(shelf), "--max-models", "2")
    running.printed("Ctrl-C")
    yield running
    assert running.end() == 0


def states(running: Command) -> dict[str, str]:
    return {row["name"]: row["state"] for row in running.order("/v2/repository/index")[1]}


@pytest.fixture
def unmoved(many: Command) -> Iterator[None]:
    before = states(many)
    yield
    assert states(many) == before == {"bad": "UNAVAILABLE", "fraud": "READY", "waiting": "UNAVAILABLE"}


@pytest.mark.usefixtures("unmoved")
def test_triton_hears_over_http_which_models_are_ready(many: Command) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{many.port}") as client:
        assert {name: client.is_model_ready(name) for name in READY} == READY
        assert client.is_server_ready()


@pytest.mark.usefixtures("unmoved")
def test_triton_hears_over_grpc_which_models_are_ready(many: Command, shelf: Path, tmp_path: Path) -> None:
    assert run_on(many.grpc, shelf / "fraud" / "model.onnx", tmp_path, "readiness_of_many") == {}


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize("protocol", ["v1", "v2"])
async def test_kserve_hears_which_models_are_ready(many: Command, protocol: str) -> None:
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol=protocol, retries=0))
    base = f"http://127.0.0.1:{many.port}"
    assert {name: await client.is_model_ready(base, model_name=name) for name in READY} == READY
    await client.close()


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize(
    ("name", "state", "code", "told"),
    [
        ("bad", "END", "UNKNOWN", "ArtifactCorrupt: "),
        ("fraud", "AVAILABLE", "OK", ""),
        ("waiting", "START", "OK", ""),
    ],
)
def test_tensorflow_serving_has_a_word_for_each_state(
    many: Command, name: str, state: str, code: str, told: str
) -> None:
    found = many.get(f"/v1/models/{name}")[1]["model_version_status"][0]
    assert (found["state"], found["status"]["error_code"]) == (state, code)
    assert found["status"]["error_message"].startswith(told)
    assert bool(told) == bool(found["status"]["error_message"])


def test_triton_unloads_and_loads_on_the_admin_port(many: Command) -> None:
    with (
        triton.InferenceServerClient(f"127.0.0.1:{many.admin}") as admin,
        triton.InferenceServerClient(f"127.0.0.1:{many.port}") as client,
    ):
        for dependents in (False, True):
            admin.unload_model("fraud", unload_dependents=dependents)
            assert not client.is_model_ready("fraud")
            admin.load_model("fraud")
            assert client.is_model_ready("fraud")
        assert {row["name"]: row["state"] for row in admin.get_model_repository_index()} == states(many)
        with pytest.raises(triton.InferenceServerException, match="models come from the repository"):
            admin.load_model("fraud", config="{}")
