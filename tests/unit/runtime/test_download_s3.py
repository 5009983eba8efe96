"""Downloads from S3, through every fault of a store, by the very command that the init container runs."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime import graphs, stores
from tests.unit.runtime.pod import Pod

from moorage_runtime import artifact, config
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import reasons, retry
from moorage_runtime.storage.download import download

BIG, OTHER, SMALL = graphs.model(3 << 20), graphs.model(3 << 20, seed=1), graphs.model()
MODEL = {"fraud/1/model.onnx": BIG, "fraud/1/MLmodel": b"flavors: {onnx: {data: model.onnx}}\n", "fraud/1/a/b": b""}


@pytest.fixture
def s3() -> Iterator[stores.Store]:
    with stores.running(stores.S3) as store:
        store.objects.update(MODEL)
        yield store


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.001)


@pytest.fixture
def places(places: Places) -> Places:
    (places.credentials_dir / "AWS_ACCESS_KEY_ID").write_text("key\n")
    (places.credentials_dir / "AWS_SECRET_ACCESS_KEY").write_text("secret\n")
    return places


def configured(store: stores.Store, uri: str = "s3://models/fraud/1", **changes: Any) -> config.RuntimeConfig:
    source = config.Source(uri=uri, endpoint=store.url, read_timeout_seconds=0.3, connect_timeout_seconds=0.3)
    return config.RuntimeConfig(model="fraud", version="1", revision="abc", source=source, **changes)


def fetched(places: Places) -> dict[str, bytes]:
    tree = artifact.tree(places.model_dir)
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def refusal(store: stores.Store, places: Places, uri: str = "s3://models/fraud/1", **changes: Any) -> ArtifactFault:
    with pytest.raises(ArtifactFault) as caught:
        download(configured(store, uri, **changes), places)
    assert not artifact.tree(places.model_dir).exists()
    assert artifact.read_manifest(places.model_dir) is None
    return caught.value


def test_an_artifact_arrives_whole_and_described(s3: stores.Store, places: Places) -> None:
    manifest = download(configured(s3), places)
    assert fetched(places) == {key.removeprefix("fraud/1/"): content for key, content in MODEL.items()}
    assert (manifest.files, manifest.bytes) == (3, sum(map(len, MODEL.values())))
    assert (manifest.model_format, manifest.model_file) == ("onnx", "model.onnx")
    assert not (places.model_dir / artifact.FETCHING).exists()
    assert artifact.read_manifest(places.model_dir) == manifest


def test_one_object_and_the_whole_bucket_are_artifacts_too(s3: stores.Store, places: Places) -> None:
    s3.objects = {"fraud/model.onnx": SMALL}
    download(configured(s3, "s3://models/fraud/model.onnx"), places)
    assert fetched(places) == {"model.onnx": SMALL}
    download(configured(s3, "s3://models"), places)
    assert fetched(places) == {"fraud/model.onnx": SMALL}


def test_a_cut_stream_goes_on_where_it_broke(s3: stores.Store, places: Places) -> None:
    s3.faults.append(stores.cuts(after=1_000_000, times=2, only="model.onnx"))
    download(configured(s3), places)
    assert fetched(places)["model.onnx"] == BIG
    ranges = [line.split("bytes=")[1] for line in s3.seen if "bytes=" in line]
    assert len(ranges) == 2
    assert 0 < int(ranges[0].rstrip("-")) < int(ranges[1].rstrip("-")) <= 2_000_000


def test_a_new_process_goes_on_where_the_last_one_ended(s3: stores.Store, places: Places) -> None:
    def refuses_ranges(handler: stores.Handler) -> bool:
        if "Range" in handler.headers:
            handler.say(403, b"")
        return "Range" in handler.headers

    s3.faults += [refuses_ranges, stores.cuts(after=1_000_000, times=1, only="model.onnx")]
    assert refusal(s3, places).reason == reasons.ACCESS_DENIED
    s3.faults.clear()
    s3.seen.clear()
    download(configured(s3), places)
    assert fetched(places)["model.onnx"] == BIG
    assert any("model.onnx bytes=" in line for line in s3.seen)
    assert not any("MLmodel" in line and "GET" in line for line in s3.seen), "a finished file is kept"


def test_a_finished_download_needs_no_store(s3: stores.Store, places: Places) -> None:
    first = download(configured(s3), places)
    s3.faults.append(stores.says(500))
    assert download(configured(s3), places) == first
    (artifact.tree(places.model_dir) / "MLmodel").write_bytes(b"spoiled")
    assert refusal(s3, places).reason == reasons.STORE_ERROR


def test_an_object_that_changes_meanwhile_is_not_mixed(s3: stores.Store, places: Places) -> None:
    def swap(handler: stores.Handler) -> bool:
        if "bytes=" in handler.headers.get("Range", ""):
            s3.objects["fraud/1/model.onnx"] = OTHER
        return False

    s3.faults += [swap, stores.cuts(after=1000, times=1, only="model.onnx")]
    fault = refusal(s3, places)
    assert (fault.reason, fault.retriable) == (reasons.DOWNLOAD_INTERRUPTED, True)
    assert "changed while it was being read" in fault.message
    s3.faults.clear()
    download(configured(s3), places)
    assert fetched(places)["model.onnx"] == OTHER


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_passing_store_error_is_outlived(s3: stores.Store, places: Places, status: int) -> None:
    s3.faults.append(stores.says(status, times=3))
    assert download(configured(s3), places).files == 3


def _xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (403, _xml("AccessDenied"), reasons.ACCESS_DENIED, "refused these credentials for s3://models/fraud/1"),
        (403, _xml("SignatureDoesNotMatch"), reasons.ACCESS_DENIED, "403 SignatureDoesNotMatch"),
        (404, _xml("XAdminUserNotFound"), reasons.ACCESS_DENIED, "404 XAdminUserNotFound"),
        (401, b"", reasons.ACCESS_DENIED, "check their Secret or role"),
        (404, _xml("NoSuchBucket"), reasons.BUCKET_NOT_FOUND, "no bucket models"),
        (500, _xml("InternalError"), reasons.STORE_ERROR, "500 InternalError"),
        (200, b"this is no XML", reasons.STORE_ERROR, "the store failed"),
    ],
)
def test_what_a_store_says_becomes_a_reason(
    s3: stores.Store, places: Places, status: int, body: bytes, reason: str, words: str
) -> None:
    s3.faults.append(stores.says(status, body))
    fault = refusal(s3, places)
    assert fault.reason == reason
    assert words in fault.message
    assert "secret" not in fault.message.replace("Secret", "")


def test_nothing_there_is_said_so(s3: stores.Store, places: Places) -> None:
    fault = refusal(s3, places, "s3://models/nothing/here")
    assert (fault.reason, fault.retriable) == (reasons.ARTIFACT_NOT_FOUND, False)
    assert "nothing is stored at s3://models/nothing/here" in fault.message
    assert refusal(s3, places, "s3://other/fraud").reason == reasons.BUCKET_NOT_FOUND


def test_a_store_that_hangs_or_is_gone_is_named(s3: stores.Store, places: Places) -> None:
    s3.faults.append(stores.hangs(0.6))
    assert refusal(s3, places, limits=config.Limits(download_seconds=1)).reason == reasons.STORE_TIMEOUT
    s3.server_close()
    assert refusal(s3, places).reason == reasons.STORE_UNREACHABLE


def _self_signed(folder: Path) -> Path:
    both = folder / "both.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run(
        [*made, "-subj", "/CN=127.0.0.1", "-keyout", both, "-out", folder / "certificate.pem"],
        check=True,
        capture_output=True,
    )
    both.write_text(both.read_text() + (folder / "certificate.pem").read_text())
    return both


def test_a_certificate_of_nobody_is_named(places: Places, tmp_path: Path) -> None:
    certificate = _self_signed(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), stores.S3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    source = config.Source(uri="s3://models/fraud", endpoint=f"https://127.0.0.1:{server.server_port}")
    try:
        with pytest.raises(ArtifactFault) as caught:
            download(config.RuntimeConfig(model="m", version="1", revision="a", source=source), places)
    finally:
        server.shutdown()
    assert caught.value.reason == reasons.TLS_FAILURE
    assert "give the registry its CA file" in caught.value.message


def test_without_credentials_the_keys_are_named(s3: stores.Store, pod: Callable[..., Pod]) -> None:
    bare = pod("s3://models/fraud/1", source={"endpoint": s3.url})
    assert bare.download().returncode == 3
    said = bare.termination()
    assert said["reason"] == reasons.CREDENTIALS_MISSING
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said["message"]
    assert s3.seen == []


def test_limits_hold_before_the_first_byte_of_content(s3: stores.Store, places: Places) -> None:
    assert refusal(s3, places, limits=config.Limits(artifact_files=2)).reason == reasons.TOO_MANY_FILES
    assert refusal(s3, places, limits=config.Limits(artifact_bytes=len(BIG))).reason == reasons.ARTIFACT_TOO_LARGE
    assert not any("GET /models/fraud" in line for line in s3.seen)


@pytest.mark.parametrize(
    "key", ["../up", "/root", "a/../../up", "a\\b", "a/./b", "a//b", "model.onnx/inside", "x" * 300, "a\nb"]
)
def test_hostile_keys_are_refused_and_nothing_is_written(s3: stores.Store, places: Places, key: str) -> None:
    s3.objects[f"fraud/1/{key}"] = b"owned"
    fault = refusal(s3, places)
    assert fault.reason == reasons.UNSAFE_PATH
    assert not any("GET /models/fraud" in line for line in s3.seen)
    assert not places.model_dir.exists()


def test_more_bytes_than_listed_never_count_as_the_file(s3: stores.Store, places: Places) -> None:
    def longer(handler: stores.Handler) -> bool:
        if not handler.route.endswith("MLmodel"):
            return False
        handler.say(200, b"x" * 1000)
        return True

    s3.faults.append(longer)
    assert refusal(s3, places).reason == reasons.DOWNLOAD_INTERRUPTED


def test_a_pinned_digest_holds(s3: stores.Store, places: Places) -> None:
    digest = download(configured(s3), places).digest
    s3.objects["fraud/1/MLmodel"] += b"# changed\n"
    fault = refusal(s3, places, "s3://models/fraud/1/", digest=digest)
    assert fault.reason == reasons.DIGEST_MISMATCH
    assert digest in fault.message
    table = config.RouteTable(generation=1, revisions={"abc": config.Route(version="1", role="stable", digest=digest)})
    places.routes_file.write_text(config.encode(table))
    assert refusal(s3, places).reason == reasons.DIGEST_MISMATCH
    s3.objects.update(MODEL)
    assert download(configured(s3), places).digest == digest


def with_keys(pod: Pod) -> Pod:
    (pod.credentials / "AWS_ACCESS_KEY_ID").write_text("key")
    (pod.credentials / "AWS_SECRET_ACCESS_KEY").write_text("secret")
    return pod


def test_a_trickle_ends_with_the_time_and_sigterm_at_once(s3: stores.Store, pod: Callable[..., Pod]) -> None:
    begun = threading.Event()

    def trickle(handler: stores.Handler) -> bool:
        if not handler.route.endswith("model.onnx"):
            return False
        handler.say(200, b"", length=str(len(BIG)))
        begun.set()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.1)
        return True

    s3.faults.append(trickle)
    made = with_keys(pod("s3://models/fraud/1", source={"endpoint": s3.url}, limits={"downloadSeconds": 2.5}))
    began = time.monotonic()
    assert made.download(timeout=9).returncode == 3
    assert time.monotonic() - began < 6
    assert (made.termination()["reason"], made.termination()["retriable"]) == (reasons.DOWNLOAD_INTERRUPTED, True)
    begun.clear()
    command = [sys.executable, "-m", "moorage_runtime", "download"]
    process = subprocess.Popen(command, env=made.environment(), stdout=subprocess.DEVNULL)
    assert begun.wait(60)
    process.terminate()
    assert process.wait(1) == 143


def test_a_refused_format_costs_no_second_download(s3: stores.Store, places: Places) -> None:
    s3.objects["fraud/1/MLmodel"] = b"flavors: {sklearn: {}}"
    assert refusal(s3, places).reason == reasons.FORMAT_UNSUPPORTED
    s3.seen.clear()
    assert refusal(s3, places).reason == reasons.FORMAT_UNSUPPORTED
    assert not any("GET /models/fraud" in line for line in s3.seen)


def test_a_file_larger_than_the_limit_is_cut_off(s3: stores.Store, pod: Callable[..., Pod]) -> None:
    def lying(handler: stores.Handler) -> bool:
        if not handler.route.endswith("MLmodel"):
            return False
        handler.say(200, b"x" * 9_000_000)
        return True

    s3.faults.append(lying)
    limited = with_keys(pod("s3://models/fraud/1", source={"endpoint": s3.url}, limits={"artifactBytes": 8_000_000}))
    assert limited.download().returncode == 3
    assert limited.termination()["reason"] == reasons.ARTIFACT_TOO_LARGE
