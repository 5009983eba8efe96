"""The public and the admin port of a real process."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

from moorage_runtime.servers.rest.router import PATHS

ROWS = models.rows(3)
TENSOR = {"name": "X", "shape": [3, 30], "datatype": "FP32", "data": ROWS.tolist()}
REQUEST = {"id": "q-1", "inputs": [TENSOR]}
INFER = "/v2/models/fraud/infer"


def test_predictions_are_those_of_the_model(serving: Pod, artifacts: Path) -> None:
    session = ort.InferenceSession(str(artifacts / "boosting" / "model.onnx"), providers=["CPUExecutionProvider"])
    label, probabilities = session.run(None, {"X": ROWS})
    status, answer = serving.infer(REQUEST)
    assert status == 200
    assert answer["model_name"] == "fraud"
    assert answer["model_version"] == "3"
    assert answer["id"] == "q-1"
    by_name = {output["name"]: output for output in answer["outputs"]}
    assert by_name["label"] == {"name": "label", "datatype": "INT64", "shape": [3], "data": label.tolist()}
    assert by_name["probabilities"]["shape"] == [3, 2]
    np.testing.assert_array_equal(np.array(by_name["probabilities"]["data"], np.float32), probabilities.ravel())


def test_only_wanted_outputs_come_back(serving: Pod) -> None:
    _, answer = serving.infer(REQUEST | {"outputs": [{"name": "label"}]})
    assert [output["name"] for output in answer["outputs"]] == ["label"]


NO_PATH = f"no such path; this server speaks {PATHS}"
DOCUMENTS: list[tuple[str, int, Any]] = [
    ("/v2", 200, {"name": "moorage", "version": "2", "extensions": ["binary_tensor_data"]}),
    ("/v2/", 200, {"name": "moorage", "version": "2", "extensions": ["binary_tensor_data"]}),
    ("/v2/health/live", 200, {"live": True}),
    ("/v2/health/ready", 200, {"ready": True}),
    ("/v2/models/fraud/ready", 200, {"name": "fraud", "ready": True}),
    ("/v2/models/fraud/versions/3/ready", 200, {"name": "fraud", "ready": True}),
    ("/v2/models/other", 404, {"error": "this server has only the model 'fraud'"}),
    ("/v2/models/fraud/versions/4", 404, {"error": "this server has only version '3'"}),
    ("/v2/models/fraud/nope", 404, {"error": NO_PATH}),
    ("/v2/model", 404, {"error": NO_PATH}),
    ("/v2/../v2", 404, {"error": NO_PATH}),
    ("/v2/%2e%2e/v2", 404, {"error": NO_PATH}),
    ("/v1/models/fraud/nope", 404, {"error": NO_PATH}),
    ("/", 200, {"status": "alive"}),
    ("/v2x", 404, {"error": {"code": 404, "reason": "NotFound", "message": NO_PATH, "requestId": "abc-1"}}),
    (INFER, 405, {"error": "this path takes POST"}),
]


@pytest.mark.parametrize(("path", "status", "document"), DOCUMENTS)
def test_every_path_answers_with_its_document_and_the_identity(
    serving: Pod, path: str, status: int, document: Any
) -> None:
    found, headers, body = serving.ask("GET", path, x_request_id="abc-1")
    assert (found, json.loads(body)) == (status, document)
    assert headers["x-model-version"] == "3"
    assert headers["x-model-revision"] == "abc"
    assert headers["x-request-id"] == "abc-1"
    assert headers["content-type"] == "application/json"
    assert not {"server", "date"} & set(headers)


def test_metadata_names_inputs_and_outputs(serving: Pod) -> None:
    for path in ("/v2/models/fraud", "/v2/models/fraud/versions/3"):
        document = json.loads(serving.ask("GET", path)[2])
        assert document["versions"] == ["3"]
        assert document["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 30]}]
        assert [output["name"] for output in document["outputs"]] == ["label", "probabilities"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "a\tb"])
def test_an_odd_request_id_is_replaced(serving: Pod, given: str) -> None:
    made = serving.ask("GET", "/v2", x_request_id=given)[1]["x-request-id"]
    assert made != given
    assert len(made) == 16


def test_a_405_says_what_is_allowed(serving: Pod) -> None:
    assert serving.ask("DELETE", "/v2")[1]["allow"] == "GET, HEAD"
    status, headers, body = serving.ask("HEAD", "/v2")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({"content_type": "application/x-www-form-urlencoded"}, 200),
        ({"content_type": "application/cloudevents+json"}, 200),
        ({"content_type": "text/csv"}, 415),
        ({"content_encoding": "br"}, 415),
        ({"inference_header_content_length": "-1"}, 400),
        ({"inference_header_content_length": "1e3"}, 400),
        ({"inference_header_content_length": "9" * 40}, 400),
        ({"x_request_timeout": "soon"}, 400),
        ({"accept": "application/xml"}, 406),
        ({"accept": "text/event-stream"}, 406),
        ({"accept": "application/json;q=0, text/html"}, 406),
        ({"accept": "application/*;q=0.1, text/html"}, 200),
        ({"accept": "text/event-stream, application/json"}, 200),
    ],
)
def test_what_a_head_asks_for_in_vain_is_refused(serving: Pod, headers: dict[str, str], status: int) -> None:
    assert serving.ask("POST", INFER, json.dumps(REQUEST), **headers)[0] == status


def test_a_body_over_the_limit_is_refused_by_its_length_and_while_streaming(serving: Pod) -> None:
    large = b" " * ((1 << 20) + 1)
    assert serving.ask("POST", INFER, large)[0] == 413
    status, _, body = serving.ask("POST", INFER, iter([large[: 1 << 19]] * 3))
    assert (status, json.loads(body)) == (413, {"error": "the body is larger than 1048576 bytes"})
    assert serving.infer(REQUEST)[0] == 200


def test_a_chunked_body_is_put_together(serving: Pod) -> None:
    text = json.dumps(REQUEST).encode()
    pieces = iter([text[:10], text[10:100], text[100:]])
    assert serving.ask("POST", INFER, pieces)[0] == 200


def test_pipelined_requests_are_answered_in_order(serving: Pod) -> None:
    wire = b"".join(b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-request-id: n%d\r\n\r\n" % number for number in range(20))
    with socket.create_connection(("127.0.0.1", serving.port), 5) as client:
        client.sendall(wire)
        seen = b""
        while seen.count(b"x-request-id") < 20:
            seen += client.recv(65536)
    assert [line.split(b": ")[1] for line in seen.split(b"\r\n") if line.startswith(b"x-request-id")] == [
        b"n%d" % number for number in range(20)
    ]


@pytest.mark.parametrize("wire", [b"\x16\x03\x01 tls", b"GET / HTTP/9.9\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_gets_a_400_with_the_identity(serving: Pod, wire: bytes) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), 5) as client:
        client.sendall(wire)
        seen = client.recv(4096)
    assert seen.startswith(b"HTTP/1.1 400")
    assert b"x-model-version: 3\r\n" in seen
    assert b'{"error":' in seen


def test_a_head_without_end_is_cut_off(serving: Pod) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), 5) as client:
        client.sendall(b"GET /v2 HTTP/1.1\r\n")
        client.sendall(b"".join(b"x-%d: %s\r\n" % (number, b"v" * 1000) for number in range(400)))
        seen = client.recv(4096)
    assert seen.startswith(b"HTTP/1.1 431 ")
    assert b"x-model-version: 3\r\n" in seen
    assert serving.infer(REQUEST)[0] == 200


def test_metrics_count_by_outcome(serving: Pod) -> None:
    def count(outcome: str) -> float:
        text = serving.admin("/metrics")[1].decode()
        found = re.search(rf'^moorage_requests_total{{.*door="v2".*outcome="{outcome}".*}} (\S+)$', text, re.M)
        return float(found[1]) if found else 0.0

    before = {outcome: count(outcome) for outcome in ("ok", "refused", "failed")}
    serving.infer(REQUEST)
    serving.infer(b"{}")
    assert {outcome: count(outcome) - seen for outcome, seen in before.items()} == {"ok": 1, "refused": 1, "failed": 0}


def test_the_admin_port_tells_the_state_and_the_public_port_does_not(serving: Pod) -> None:
    state = json.loads(serving.admin("/state")[1])
    assert state["revision"] == "abc"
    assert state["phase"] == "ready"
    assert state["digest"] == serving.termination()["digest"]
    assert state["testInference"]["passed"] is True
    for path in ("/livez", "/readyz", "/startupz", "/metrics"):
        assert serving.admin(path)[0] == 200
        assert serving.ask("GET", path)[0] == 404
    assert serving.admin("/nope")[0] == 404


def test_a_slow_model_leaves_the_probes_alone_and_times_out(artifacts: Path, pod: Callable[..., Pod]) -> None:
    slow = pod(f"file://{artifacts / 'slow'}", timeoutSeconds=0.03)
    assert slow.download().returncode == 0
    slow.serve()
    request = {"inputs": [{"name": "x", "shape": [512, 512], "datatype": "FP32", "data": [0.5] * 512 * 512}]}
    body = json.dumps(request).encode()

    async def race() -> tuple[int, float]:
        asked = asyncio.create_task(asyncio.to_thread(slow.ask, "POST", INFER, body))
        worst = 0.0
        while not asked.done():
            began = time.perf_counter()
            assert await asyncio.to_thread(slow.probe, "/livez") == 200
            worst = max(worst, time.perf_counter() - began)
        return asked.result()[0], worst

    status, worst = asyncio.run(race())
    assert status == 504
    assert worst < 0.3


def test_serving_starts_without_the_downloads_libraries(serving: Pod) -> None:
    assert serving.process
    maps = Path(f"/proc/{serving.process.pid}/maps").read_text()
    assert "onnxruntime" in maps
    for library in ("yaml", "sklearn", "pandas", "pydantic"):
        assert f"/{library}" not in maps, library
    status = Path(f"/proc/{serving.process.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident < 110_000
