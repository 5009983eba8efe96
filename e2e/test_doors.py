"""Every door of a serving pod, from outside through its Service, by the clients that users already have."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from e2e.harness.installed import Installed
from e2e.harness.kinds import SECRET
from e2e.harness.models import Registry, train
from e2e.harness.room import Room

TRAINED = train(0)
ROW = TRAINED.example
KUBELET_SECONDS = 120.0
"""A mounted Secret follows its object within the kubelet's sync period and its cache's life."""


@contextmanager
def opened(room: Room, name: str) -> Iterator[tuple[str, str]]:
    """`host:port` of the HTTP and of the gRPC port of a CR's Service."""
    forward = room.kubectl.forward
    with forward(room.namespace, f"svc/{name}", 80) as http, forward(room.namespace, f"svc/{name}", 9000) as grpc:
        yield http, grpc


def ask(address: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
    """One request: status, headers in lower case, and the JSON answer (or the text, when it is none)."""
    data = None if body is None else json.dumps(body).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    request = urllib.request.Request(f"http://{address}{path}", data, named)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, found, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, found, text = error.code, error.headers, error.read()
    told = {key.lower(): value for key, value in found.items()}
    return status, told, json.loads(text) if "json" in told.get("content-type", "") else text.decode()


def test_every_door_gives_the_models_own_answer(
    room: Room, operator: Installed, registry: Registry, unique: str
) -> None:
    [version] = registry.publish(unique, 0)
    room.deploy("cancer", f"models:/{unique}/{version}")
    room.wait_steady("cancer", version)
    with opened(room, "cancer") as (http, grpc):
        answers = {
            "v2": v2(http), "binary": binary(http), "v1": v1(http), "features": features(http), "grpc": remote(grpc),
        }  # fmt: skip
        for door, probabilities in answers.items():
            assert probabilities == pytest.approx(TRAINED.answer, abs=1e-5), door
        status, headers, document = ask(http, "/openapi.json")
        assert status == 200
        assert "/v1/predict" in document["paths"]
        assert headers["x-model-version"] == version
        status, headers, page = ask(http, "/docs")
        assert status == 200
        assert headers["content-type"].startswith("text/html")
        assert "http://" not in page.replace("http://www.w3.org", "")
    counted = metrics(room)
    for door in ("v2", "v1", "features", "grpc"):
        assert any(f'door="{door}"' in line and 'outcome="ok"' in line for line in counted), door


def v2(address: str) -> list[float]:
    _, _, answer = ask(address, "/v2/models/cancer/infer", json.loads(TRAINED.request))
    return next(output["data"] for output in answer["outputs"] if output["name"] == "probabilities")


def binary(address: str) -> list[float]:
    import tritonclient.http as triton

    with triton.InferenceServerClient(address) as client:
        tensor = triton.InferInput(TRAINED.input_name, [1, 30], "FP32")
        tensor.set_data_from_numpy(ROW, binary_data=True)
        wanted = [triton.InferRequestedOutput("probabilities", binary_data=True)]
        return list(client.infer("cancer", [tensor], outputs=wanted).as_numpy("probabilities").ravel())


def v1(address: str) -> list[float]:
    _, _, answer = ask(address, "/v1/models/cancer:predict", {"instances": ROW.tolist()})
    [prediction] = answer["predictions"]
    return list(prediction["probabilities"])


def features(address: str) -> list[float]:
    _, _, document = ask(address, "/openapi.json")
    example = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    named = dict(zip(example["one row"]["value"]["features"], ROW.ravel().tolist(), strict=True))
    _, _, answer = ask(address, "/v1/predict", {"features": named})
    return list(answer["probabilities"].values())


def remote(address: str) -> list[float]:
    # In a process of its own: NVIDIA's and KServe's clients cannot be imported into one.
    done = subprocess.run(
        [sys.executable, "-c", REMOTE, address, TRAINED.input_name],
        input=json.dumps(ROW.tolist()), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[float] = json.loads(done.stdout)
    return found


REMOTE = """
import json, sys
import numpy as np
import tritonclient.grpc as triton
row = np.array(json.load(sys.stdin), np.float32)
with triton.InferenceServerClient(sys.argv[1]) as client:
    tensor = triton.InferInput(sys.argv[2], list(row.shape), "FP32")
    tensor.set_data_from_numpy(row)
    print(json.dumps(client.infer("cancer", [tensor]).as_numpy("probabilities").ravel().tolist()))
"""


def metrics(room: Room) -> list[str]:
    [pod] = room.pods("cancer")
    with room.kubectl.forward(room.namespace, f"pod/{pod['metadata']['name']}", 8081) as admin:
        return [line for line in ask(admin, "/metrics")[2].splitlines() if line.startswith("moorage_requests_total")]


def test_only_the_holder_of_a_key_is_answered_and_keys_rotate_without_a_restart(
    room: Room, operator: Installed, registry: Registry, unique: str
) -> None:
    [version] = registry.publish(unique, 0)
    room.secret("callers", {"alice": "key-of-alice-1", "bob": "key-of-bob"})
    room.deploy("cancer", f"models:/{unique}/{version}", auth={"secretName": "callers"})
    room.wait_steady("cancer", version)
    request = json.loads(TRAINED.request)
    path = "/v2/models/cancer/infer"
    with opened(room, "cancer") as (http, _):
        status, headers, refusal = ask(http, path, request)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert "key" in refusal["error"]
        assert ask(http, path, request, authorization="Bearer key-of-alice-1")[0] == 200
        assert ask(http, path, request, x_api_key="key-of-bob")[0] == 200
        assert ask(http, path, request, authorization="Bearer key-of-alice-2")[0] == 401
        room.api.merge(SECRET, room.namespace, "callers", {"stringData": {"alice": "key-of-alice-2"}})
        until = time.monotonic() + KUBELET_SECONDS
        while ask(http, path, request, authorization="Bearer key-of-alice-2")[0] != 200:
            assert time.monotonic() < until, "the new key was never accepted"
            assert ask(http, path, request, x_api_key="key-of-bob")[0] == 200
            time.sleep(1)
        assert ask(http, path, request, authorization="Bearer key-of-alice-1")[0] == 401
    assert [pod["status"]["containerStatuses"][0]["restartCount"] for pod in room.pods("cancer")] == [0]


def test_cache_and_limits_are_those_of_the_resource(
    room: Room, operator: Installed, registry: Registry, unique: str
) -> None:
    [version] = registry.publish(unique, 0)
    room.deploy("cancer", f"models:/{unique}/{version}", cache={"maxEntries": 10, "ttl": "60s"}, maxRequestBytes="8Ki")
    room.wait_steady("cancer", version)
    request = json.loads(TRAINED.request)
    path = "/v2/models/cancer/infer"
    with opened(room, "cancer") as (http, _):
        assert [ask(http, path, request)[1]["x-cache"] for _ in range(2)] == ["MISS", "HIT"]
        assert ask(http, path, request, cache_control="no-cache")[1]["x-cache"] == "BYPASS"
        large = np.zeros((2000, 30), np.float32).tolist()
        tensor = {"name": TRAINED.input_name, "shape": [2000, 30], "datatype": "FP32", "data": large}
        assert ask(http, path, {"inputs": [tensor]})[0] == 413
        assert ask(http, path, request, x_request_timeout="soon")[0] == 400
