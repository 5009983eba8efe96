"""The cache in a real pod: one answer for every door and every pod, and no harm from a Redis that is not there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.ports import free_port
from tests.unit.runtime import models
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.pod import Pod
from tests.unit.runtime.redis_server import RedisServer

NAMES = list(map(str, models.data().feature_names))
V2 = "/v2/models/fraud/infer"
Answer = tuple[str | None, Any]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def caching(artifacts: Path, pod: Callable[..., Pod]) -> Callable[..., Pod]:
    """Makes pods that serve `boosting` with a cache: `caching(**settings)`."""

    def make(**settings: Any) -> Pod:
        made = pod(f"file://{artifacts / 'boosting'}", cache=settings)
        assert made.download().returncode == 0
        made.serve()
        return made

    return make


def values(at: int) -> list[float]:
    found: list[float] = models.rows(at + 1)[at].tolist()
    return found


def by_json(pod: Pod, at: int, **headers: str) -> Answer:
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": values(at)}
    return post(pod, V2, {"inputs": [tensor]}, lambda told: told["outputs"][1]["data"], **headers)


def by_names(pod: Pod, at: int) -> Answer:
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": values(at)}
    wanted = [{"name": "label"}, {"name": "probabilities"}]
    return post(pod, V2, {"inputs": [tensor], "outputs": wanted}, lambda told: told["outputs"][1]["data"])


def by_binary(pod: Pod, at: int) -> Answer:
    raw = models.rows(at + 1)[at].tobytes()
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    length = {"Inference_Header_Content_Length": str(len(head))}
    return post(pod, V2, head + raw, lambda told: told["outputs"][1]["data"], **length)


def by_v1(pod: Pod, at: int) -> Answer:
    path = "/v1/models/fraud:predict"
    return post(pod, path, {"instances": [values(at)]}, lambda told: told["predictions"][0]["probabilities"])


def by_features(pod: Pod, at: int) -> Answer:
    row = dict(zip(NAMES, values(at), strict=True))
    return post(pod, "/v1/predict", {"features": row}, lambda told: list(told["probabilities"].values()))


def by_grpc(pod: Pod, at: int, *outputs: str) -> Answer:
    infer = messages.make("ModelInferRequest", model_name="fraud")
    infer.inputs.add(name="X", datatype="FP32", shape=[1, 30])
    infer.raw_input_contents.append(models.rows(at + 1)[at].tobytes())
    for name in outputs:
        infer.outputs.add(name=name)
    with grpc.insecure_channel(f"127.0.0.1:{pod.grpc_port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        raw, told = call.with_call(infer.SerializeToString(), timeout=20)
    metadata = dict(told.initial_metadata()) | dict(told.trailing_metadata())
    messages.read("ModelInferResponse", raw)
    return metadata.get("x-cache"), None


def post(pod: Pod, path: str, document: Any, read: Callable[[Any], Any], **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, told, answer = pod.ask("POST", path, body, **headers)
    assert status == 200, answer
    return told.get("x-cache"), read(json.loads(answer))


def connected(pod: Pod, at: int) -> None:
    """The first question only begins the connection; a row of this test's own tells when it stands."""
    for _ in range(100):
        if by_json(pod, at)[0] == "HIT":
            return
        time.sleep(0.02)
    raise AssertionError(pod.log())


def by_grpc_names(pod: Pod, at: int) -> Answer:
    return by_grpc(pod, at, "label", "probabilities")


DOORS = {
    "json": by_json,
    "json, outputs named": by_names,
    "binary": by_binary,
    "v1": by_v1,
    "features": by_features,
    "grpc": by_grpc,
    "grpc, outputs named": by_grpc_names,
}


def test_an_answer_that_one_door_gave_every_other_gives_again(caching: Callable[..., Pod]) -> None:
    pod = caching()
    for at, (first, ask) in enumerate(DOORS.items()):
        state, given = ask(pod, at)
        assert (first, state) == (first, "MISS")
        for second, again in DOORS.items():
            state, found = again(pod, at)
            assert (first, second, state) == (first, second, "HIT")
            assert None in (given, found) or found == pytest.approx(given)
    assert by_json(pod, 90)[0] == "MISS"


def test_a_client_may_want_the_model_itself(caching: Callable[..., Pod]) -> None:
    pod = caching()
    assert by_json(pod, 0, Cache_Control="no-cache")[0] == "BYPASS"
    assert [by_json(pod, 0)[0] for _ in range(2)] == ["MISS", "HIT"]


def test_without_a_cache_nothing_is_said_of_it(serving: Pod) -> None:
    assert by_json(serving, 0)[0] is None
    assert by_grpc(serving, 0)[0] is None


def test_a_refused_request_is_refused_again(caching: Callable[..., Pod]) -> None:
    pod = caching()
    for _ in range(2):
        status, told, _ = pod.ask("POST", V2, b'{"inputs": []}')
        assert (status, "x-cache" in told) == (400, False)


def test_pods_share_what_one_of_them_answered(redis_server: RedisServer, caching: Callable[..., Pod]) -> None:
    first, second = caching(redis=redis_server.url), caching(redis=redis_server.url)
    connected(first, 10)
    connected(second, 11)
    state, given = by_json(first, 0)
    assert state == "MISS"
    assert by_json(second, 0) == ("HIT", given)
    assert by_v1(second, 0)[0] == "HIT"


def test_a_redis_that_is_not_there_fails_no_request(caching: Callable[..., Pod]) -> None:
    pod = caching(redis=f"redis://127.0.0.1:{free_port()}/0")
    assert [by_json(pod, 0)[0] for _ in range(5)] == ["MISS"] * 5
    assert "response cache out of reach" in pod.log()


def test_a_redis_that_dies_under_load_fails_no_request(redis_server: RedisServer, caching: Callable[..., Pod]) -> None:
    pod = caching(redis=redis_server.url)
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(by_json, pod, number % 40) for number in range(600)]
        asked[100].result()
        redis_server.kill()
        states = {future.result()[0] for future in asked}
    redis_server.start()
    assert states <= {"HIT", "MISS", "COALESCED"}
