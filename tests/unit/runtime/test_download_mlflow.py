"""Downloads over MLflow's two artifact routes, from a small server that has them and every fault."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.unit.runtime import graphs, stores

from moorage_runtime import artifact, config
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import reasons, retry
from moorage_runtime.storage.download import download

FOLDER = "1/models/m-7/artifacts"
MODEL = {f"{FOLDER}/MLmodel": b"flavors: {onnx: {data: model.onnx}}\n", f"{FOLDER}/model.onnx": graphs.model(2_000_000)}


@pytest.fixture
def server() -> Iterator[stores.Store]:
    with stores.running(stores.Mlflow) as store:
        store.objects.update(MODEL)
        store.objects[f"{FOLDER}/data/de ep/ü+"] = b"deep"
        yield store


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


def configured(server: stores.Store, folder: str = FOLDER, seconds: float = 30) -> config.RuntimeConfig:
    source = config.Source(uri=f"mlflow-artifacts:/{folder}", tracking_uri=server.url, read_timeout_seconds=1)
    limits = config.Limits(download_seconds=seconds)
    return config.RuntimeConfig(model="fraud", version="1", revision="abc", source=source, limits=limits)


def refusal(server: stores.Store, places: Places, folder: str = FOLDER, seconds: float = 30) -> ArtifactFault:
    with pytest.raises(ArtifactFault) as caught:
        download(configured(server, folder, seconds), places)
    assert not artifact.tree(places.model_dir).exists()
    return caught.value


def test_an_artifact_arrives_whole(server: stores.Store, places: Places) -> None:
    manifest = download(configured(server), places)
    tree = artifact.tree(places.model_dir)
    assert (tree / "model.onnx").read_bytes() == MODEL[f"{FOLDER}/model.onnx"]
    assert (tree / "data/de ep/ü+").read_bytes() == b"deep"
    assert (manifest.files, manifest.model_format) == (3, "onnx")


def test_credentials_come_from_files(server: stores.Store, places: Places) -> None:
    seen: list[str | None] = []

    def note(handler: stores.Handler) -> bool:
        seen.append(handler.headers.get("Authorization"))
        return False

    server.faults.append(note)
    (places.credentials_dir / "MLFLOW_TRACKING_TOKEN").write_text("t0ken\n")
    download(configured(server), places)
    assert set(seen) == {"Bearer t0ken"}


def test_a_cut_file_is_fetched_again_and_finished_ones_are_kept(server: stores.Store, places: Places) -> None:
    server.faults.append(stores.cuts(after=1000, times=2, only="model.onnx"))
    download(configured(server), places)
    assert (artifact.tree(places.model_dir) / "model.onnx").read_bytes() == MODEL[f"{FOLDER}/model.onnx"]
    assert sum("/artifacts/MLmodel" in line for line in server.seen) == 1


HOST = b"Invalid Host header - possible DNS rebinding attack detected"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"who are you", reasons.ACCESS_DENIED),
        (403, b"Permission denied", reasons.ACCESS_DENIED),
        (403, HOST, reasons.HOST_NOT_ALLOWED),
        (404, b"{}", reasons.ARTIFACT_NOT_FOUND),
        (500, b"{}", reasons.STORE_ERROR),
        (503, b"", reasons.STORE_ERROR),
    ],
)
@pytest.mark.parametrize("only", ["path=", "model.onnx"])
def test_what_the_server_says_becomes_a_reason(
    server: stores.Store, places: Places, status: int, body: bytes, reason: str, only: str
) -> None:
    server.faults.append(stores.says(status, body, only=only))
    fault = refusal(server, places)
    assert fault.reason == reason, fault.message
    assert str(status) in fault.message


def test_a_passing_error_is_outlived(server: stores.Store, places: Places) -> None:
    server.faults.append(stores.says(503, times=2))
    assert download(configured(server), places).files == 3


def test_a_server_that_hangs_or_is_gone_is_named(server: stores.Store, places: Places) -> None:
    server.faults.append(stores.hangs(1.5))
    assert refusal(server, places, seconds=1).reason == reasons.STORE_TIMEOUT
    server.server_close()
    assert refusal(server, places).reason == reasons.STORE_UNREACHABLE


def test_nothing_there_is_said_so(server: stores.Store, places: Places) -> None:
    assert refusal(server, places, "1/models/m-8/artifacts").reason == reasons.ARTIFACT_NOT_FOUND


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a/../../up", "..\\up"])
@pytest.mark.parametrize("is_dir", [False, True])
def test_a_hostile_listing_is_refused(server: stores.Store, places: Places, path: str, is_dir: bool) -> None:
    def lies(handler: stores.Handler) -> bool:
        files = {"files": [{"path": path, "is_dir": is_dir, "file_size": 4}]}
        handler.say(200, json.dumps(files).encode(), Content_Type="application/json")
        return True

    server.faults.append(lies)
    assert refusal(server, places).reason == reasons.UNSAFE_PATH
    assert not places.model_dir.exists()


def test_a_listing_without_end_is_refused(server: stores.Store, places: Places) -> None:
    def endless(handler: stores.Handler) -> bool:
        handler.say(200, b'{"files": [{"path": "deeper", "is_dir": true}]}', Content_Type="application/json")
        return True

    server.faults.append(endless)
    assert refusal(server, places).reason == reasons.UNSAFE_PATH


def test_a_registry_without_a_server_is_said_so(server: stores.Store, places: Places) -> None:
    bare = config.RuntimeConfig(
        model="m", version="1", revision="a", source=config.Source(uri="mlflow-artifacts:/1/models")
    )
    with pytest.raises(ArtifactFault) as caught:
        download(bare, places)
    assert caught.value.reason == reasons.SOURCE_UNSUPPORTED


def test_a_server_without_tls_is_a_tls_failure(server: stores.Store, places: Places) -> None:
    secure = config.Source(uri=f"mlflow-artifacts:/{FOLDER}", tracking_uri=server.url.replace("http:", "https:"))
    fast = config.Limits(download_seconds=1)
    with pytest.raises(ArtifactFault) as caught:
        download(config.RuntimeConfig(model="m", version="1", revision="a", source=secure, limits=fast), places)
    assert caught.value.reason == reasons.TLS_FAILURE


def test_a_name_that_does_not_resolve_is_unreachable(places: Places) -> None:
    nowhere = config.Source(uri=f"mlflow-artifacts:/{FOLDER}", tracking_uri="http://no-such-host.invalid")
    fast = config.Limits(download_seconds=0.5)
    with pytest.raises(ArtifactFault) as caught:
        download(config.RuntimeConfig(model="m", version="1", revision="a", source=nowhere, limits=fast), places)
    assert caught.value.reason == reasons.STORE_UNREACHABLE


def test_a_password_is_sent_as_basic_auth(server: stores.Store, places: Places) -> None:
    seen: set[str | None] = set()

    def note(handler: stores.Handler) -> bool:
        seen.add(handler.headers.get("Authorization"))
        return False

    server.faults.append(note)
    (places.credentials_dir / "MLFLOW_TRACKING_USERNAME").write_text("ann")
    (places.credentials_dir / "MLFLOW_TRACKING_PASSWORD").write_text("secret")
    download(configured(server), places)
    assert seen == {"Basic YW5uOnNlY3JldA=="}


def test_a_redirect_is_not_followed(server: stores.Store, places: Places) -> None:
    server.faults.append(stores.says(302))
    assert refusal(server, places, seconds=1).reason == reasons.STORE_ERROR


def test_a_listing_that_is_none_is_said_so(server: stores.Store, places: Places) -> None:
    server.faults.append(stores.says(200, b"<html>"))
    assert refusal(server, places, seconds=1).reason == reasons.STORE_ERROR
