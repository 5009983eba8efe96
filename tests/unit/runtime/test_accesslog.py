"""A line for some requests: which ones, and what is in it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.pod import Pod

from moorage_runtime.accesslog import AccessLog, Entry

REQUEST = {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": [0.5] * 30}]}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def entry(**more: Any) -> Entry:
    told: dict[str, Any] = {"method": "POST", "path": "/v1/predict", "status": 200, "ms": 0.5, "request_id": "a"}
    return Entry(**(told | {"bytes_in": 10, "bytes_out": 20} | more))


def line_of(told: Entry) -> dict[str, Any]:
    lines: list[str] = []
    AccessLog(100, lines.append, lambda: 1_700_000_000.25).tell(told)
    (line,) = lines
    assert line.endswith("\n")
    assert line.count("\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_what_there_is_to_say_and_no_more() -> None:
    assert line_of(entry()) == {
        "event": "request",
        "time": "2023-11-14T22:13:20.250Z",
        "method": "POST",
        "path": "/v1/predict",
        "status": 200,
        "ms": 0.5,
        "bytesIn": 10,
        "bytesOut": 20,
        "requestId": "a",
    }


@given(st.text(), st.text())
def test_whatever_a_client_sends_stays_one_line(path: str, request_id: str) -> None:
    found = line_of(entry(path=path, request_id=request_id))
    assert found["path"] == path[:256]
    assert found["requestId"] == request_id


@pytest.mark.parametrize(
    ("percent", "least", "most"), [(0, 0, 0), (1, 50, 160), (25, 2300, 2700), (100, 10_000, 10_000)]
)
def test_so_many_requests_are_taken_and_always_the_same(percent: float, least: int, most: int) -> None:
    ids = [os.urandom(8).hex().encode() for _ in range(10_000)]
    log = AccessLog(percent)
    taken = [each for each in ids if log.takes(each)]
    assert least <= len(taken) <= most
    assert taken == [each for each in ids if AccessLog(percent).takes(each)]


def test_a_log_that_cannot_be_written_costs_no_request() -> None:
    tried: list[str] = []

    def full(line: str) -> None:
        tried.append(line)
        raise OSError("no space left on device")

    AccessLog(100, full).tell(entry())
    assert len(tried) == 1


@pytest.fixture(scope="module")
def logging(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    shared = Pod(
        tmp_path_factory.mktemp("logging"),
        f"file://{artifacts / 'boosting'}",
        {"accessLogPercent": 100, "cache": {"ttlSeconds": 60}},
    )
    assert shared.download().returncode == 0, shared.termination()
    shared.serve()
    yield shared
    shared.kill()


@pytest.fixture
def lines(logging: Pod) -> Callable[[str], dict[str, Any]]:
    """Finds the line of a request by its id."""

    def find(request_id: str) -> dict[str, Any]:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            told = [json.loads(line) for line in logging.log().splitlines(keepends=True) if line.endswith("\n")]
            found: list[dict[str, Any]] = [line for line in told if line.get("requestId") == request_id]
            if found:
                assert len(found) == 1
                return found[0]
            time.sleep(0.01)
        raise AssertionError(logging.log())

    return find


def name(pod: Pod) -> dict[str, Any]:
    """A request that fits the model."""
    told = json.loads(pod.ask("GET", "/v2/models/fraud")[2])["inputs"][0]["name"]
    return {"inputs": [{**REQUEST["inputs"][0], "name": told}]}


def test_a_prediction_has_its_model_version_door_batch_and_trace(
    logging: Pod, lines: Callable[[str], dict[str, Any]]
) -> None:
    body = json.dumps(name(logging))
    for request_id in ("first", "second"):
        status, _, answer = logging.ask(
            "POST", "/v2/models/fraud/infer?key=secret", body, x_request_id=request_id, traceparent=TRACE
        )
        assert status == 200
    told = lines("first")
    assert told | {"time": "", "ms": 0} == {
        "event": "request",
        "time": "",
        "method": "POST",
        "path": "/v2/models/{model}/infer",
        "status": 200,
        "ms": 0,
        "bytesIn": len(body),
        "bytesOut": len(answer),
        "requestId": "first",
        "model": "fraud",
        "version": "3",
        "door": "v2",
        "traceId": TRACE.split("-")[1],
        "cache": "MISS",
        "batchRows": 1,
    }
    assert 0 < told["ms"] < 1000
    again = lines("second")
    assert (again["cache"], "batchRows" in again) == ("HIT", False)


def test_refusals_and_other_paths_have_a_line_too(logging: Pod, lines: Callable[[str], dict[str, Any]]) -> None:
    assert logging.ask("POST", "/v2/models/fraud/infer", "{}", x_request_id="bad")[0] == 400
    assert logging.ask("GET", "/v2/health/live", x_request_id="live")[0] == 200
    assert logging.ask("POST", "/v1/models/fraud:predict", "{}", x_request_id="bad-v1")[0] == 400
    for request_id, door, path in (
        ("bad", "v2", "/v2/models/{model}/infer"),
        ("bad-v1", "v1", "/v1/models/{model}:predict"),
    ):
        told = lines(request_id)
        assert [told[key] for key in ("status", "path", "door", "model", "version", "bytesIn")] == [
            400, path, door, "fraud", "3", 2,
        ]  # fmt: skip
    assert [lines("live")[key] for key in ("status", "path")] == [200, "/v2/health/live"]


def test_headers_and_bodies_are_never_written(logging: Pod) -> None:
    status, _, _ = logging.ask(
        "POST", "/v2/models/fraud/infer?q=hush1", json.dumps({"hush2": 1}), authorization="Bearer hush3"
    )
    assert status == 400
    assert "hush" not in logging.log()


def test_inferences_over_grpc_have_a_line_too(logging: Pod, lines: Callable[[str], dict[str, Any]]) -> None:
    import grpc
    from tests.unit.runtime.grpc import messages

    def ask(channel: Any, model: str, request_id: str) -> bytes:
        tensor = {"name": name(logging)["inputs"][0]["name"], "datatype": "FP32", "shape": [1, 30]}
        raw = np.full((1, 30), 0.25, np.float32).tobytes()
        asked = messages.make("ModelInferRequest", model_name=model, inputs=[tensor], raw_input_contents=[raw])
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        said = (("x-request-id", request_id), ("traceparent", TRACE))
        answer: bytes = infer(asked.SerializeToString(), metadata=said, timeout=10)
        return answer

    with grpc.insecure_channel(f"127.0.0.1:{logging.grpc_port}") as channel:
        ask(channel, "fraud", "over-grpc")
        with pytest.raises(grpc.RpcError):
            ask(channel, "nobody", "refused-grpc")
    told, refused = lines("over-grpc"), lines("refused-grpc")
    assert [told[key] for key in ("path", "status", "door", "model", "version", "batchRows", "cache")] == [
        "/inference.GRPCInferenceService/ModelInfer",
        200,
        "grpc",
        "fraud",
        "3",
        1,
        "MISS",
    ]
    assert told["bytesIn"] > 120
    assert told["bytesOut"] > 20
    assert (refused["status"], refused["door"]) == (404, "grpc")
