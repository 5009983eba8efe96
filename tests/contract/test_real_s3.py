"""The download against a real S3 server: the versitygw that the local cluster runs, where it has been built."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port
from tests.unit.runtime import graphs
from tests.unit.runtime.pod import Pod

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "moorage" / "go"
BINARIES = sorted(CACHE.glob("versitygw-*/versitygw"))
MODEL = {"fraud/7/model.onnx": graphs.model(5 << 20), "fraud/7/sub/weights": b"w" * 1000}

pytestmark = pytest.mark.skipif(not BINARIES, reason="versitygw is not built (make cluster-up builds it)")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    environment = {"ROOT_ACCESS_KEY_ID": "root", "ROOT_SECRET_ACCESS_KEY": "s3cret"}
    command = [str(BINARIES[0]), "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(tmp_path_factory.mktemp("s3"))]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _listening(port)
        _fill(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _listening(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end
        time.sleep(0.02)


def _fill(url: str) -> None:
    import boto3
    from botocore.config import Config

    client: Any = boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="root",
        aws_secret_access_key="s3cret",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="models")
    for key, content in MODEL.items():
        client.put_object(Bucket="models", Key=key, Body=content)


def pod(folder: Path, endpoint: str, uri: str, key: str, secret: str) -> Pod:
    made = Pod(folder / "pod", uri, {"source": {"endpoint": endpoint}})
    (made.credentials / "AWS_ACCESS_KEY_ID").write_text(key)
    (made.credentials / "AWS_SECRET_ACCESS_KEY").write_text(secret)
    return made


def test_an_artifact_arrives_whole(tmp_path: Path, endpoint: str) -> None:
    made = pod(tmp_path, endpoint, "s3://models/fraud/7", "root", "s3cret")
    assert made.download().returncode == 0
    found = made.termination()
    assert (found["files"], found["bytes"]) == (2, sum(map(len, MODEL.values())))
    for key, content in MODEL.items():
        assert (made.models / "artifact" / key.removeprefix("fraud/7/")).read_bytes() == content


@pytest.mark.parametrize(
    ("uri", "key", "secret", "reason"),
    [
        ("s3://models/nope", "root", "s3cret", "ArtifactNotFound"),
        ("s3://elsewhere/fraud", "root", "s3cret", "BucketNotFound"),
        ("s3://models/fraud/7", "root", "wrong", "AccessDenied"),
        ("s3://models/fraud/7", "nobody", "s3cret", "AccessDenied"),
    ],
)
def test_refusals_have_their_reasons(
    tmp_path: Path, endpoint: str, uri: str, key: str, secret: str, reason: str
) -> None:
    made = pod(tmp_path, endpoint, uri, key, secret)
    assert made.download().returncode == 3
    assert made.termination()["reason"] == reason
