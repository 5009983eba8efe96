"""What the V2 door does beside reading and writing: deadlines, the cache, what clients like, the form of refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.bodies import sized
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import faults, media
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.rest.terms import Terms

INFER = "/v2/models/fraud/infer"
TENSOR = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1).ravel().tolist()}
REQUEST: dict[str, Any] = {"inputs": [TENSOR]}


def head(path: bytes = b"/v2", **headers: str) -> Head:
    told = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Head(b"POST", path, b"", told)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(None, 5), ("1", 1), ("0.5", 0.5), ("500ms", 0.5), (" 2s ", 2), ("1m", 5), ("4s", 4), ("2s500ms", 2.5), ("9", 5)],
)
def test_a_client_waits_as_long_as_it_says_and_no_longer_than_allowed(told: str | None, seconds: float) -> None:
    asked = head(x_request_timeout=told) if told else head()
    assert Terms(asked, 5, streams=False).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("told", "bypass"),
    [("no-cache", True), ("No-Store", True), ("max-age=0, no-cache", True), ("max-age=0", False), ("", False)],
)
def test_a_remembered_answer_can_be_declined(told: str, bypass: bool) -> None:
    assert (Terms(head(cache_control=told), 5, streams=False).cache == "bypass") is bypass


def test_the_end_of_the_json_is_told_in_the_head() -> None:
    assert Terms(head(), 5, streams=False).json_length is None
    assert Terms(head(inference_header_content_length="017"), 5, streams=False).json_length == 17


KINDS = (media.JSON, media.BINARY, media.EVENTS)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", media.JSON),
        ("application/json", media.JSON),
        ("application/*", media.JSON),
        ("application/octet-stream", media.BINARY),
        ("text/event-stream", media.EVENTS),
        ("text/*", media.EVENTS),
        ("text/event-stream, */*", media.JSON),
        ("text/event-stream, */*;q=0.5", media.EVENTS),
        ("application/json;q=0.2, text/event-stream;q=0.3", media.EVENTS),
        ("Application/JSON ; charset=utf-8 ; Q=0.9", media.JSON),
        ("application/json;q=0, */*", media.BINARY),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, kind: bytes) -> None:
    assert media.acceptable(head(accept=accept), *KINDS) == kind


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "", "nonsense", "*/*;q=0", "application/json;q=x"]
)
def test_what_we_cannot_give_is_406(accept: str) -> None:
    with pytest.raises(RequestFault) as caught:
        media.acceptable(head(accept=accept), media.JSON)
    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("path", "plain"),
    [(b"/v2", True), (b"/v2/x", True), (b"/v1/models", True), (b"/v1/models/m:predict", True), (b"/v2x", False),
     (b"/v1/modelsx", False), (b"/v1/predict", False), (b"/", False)],
)  # fmt: skip
def test_each_protocol_keeps_its_own_form_of_errors(path: bytes, plain: bool) -> None:
    told = json.loads(faults.document(head(path), RequestFault(429, "Overloaded", "later"), b"id-1"))["error"]
    assert told == (
        "later" if plain else {"code": 429, "reason": "Overloaded", "message": "later", "requestId": "id-1"}
    )


def test_what_was_no_http_gets_the_structured_form() -> None:
    told = json.loads(faults.document(None, RequestFault(400, "InvalidRequest", "no HTTP"), b"id"))
    assert told["error"]["reason"] == "InvalidRequest"


def test_a_router_without_doors_knows_no_path() -> None:
    with pytest.raises(RequestFault) as caught:
        Router([]).route(head(b"/v2"))
    assert caught.value.status == 404


class Telling:
    """A door whose documents say how often it was asked for them."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def match(self, parts: list[str]) -> Methods | None:
        self.asked.append(parts)
        return reading(lambda: (200, b"%d" % len(self.asked))) if parts[0] != "none" else None


def test_a_path_is_looked_up_once_in_an_epoch() -> None:
    door = Telling()
    router = Router([door])
    before = router.epoch
    for length in (b"1", b"2", b"3"):
        router.route(Head(b"GET", b"/a%20b", b"", {b"content-length": length}))
    assert door.asked == [["a b"]]
    router.renew()
    assert router.epoch > before
    router.route(Head(b"HEAD", b"/a%20b", b"", {}))
    assert door.asked == [["a b"]] * 2
    for number in range(200):
        router.route(Head(b"GET", b"/%d" % number, b"", {}))
    assert len(door.asked) == 202
    for _ in range(2):
        with pytest.raises(RequestFault, match="no such path"):
            router.route(Head(b"GET", b"/none", b"", {}))
    assert door.asked[-2:] == [["none"]] * 2


def test_the_sooner_deadline_counts(serving: Pod) -> None:
    for timeout, status in ((0, 200), (None, 200), (30_000_000, 200), (1, 504)):
        found, answer = serving.infer(REQUEST | {"parameters": {"timeout": timeout}})
        assert found == status, answer
    assert serving.ask("POST", INFER, json.dumps(REQUEST), x_request_timeout="0.000001")[0] == 504
    assert serving.ask("POST", INFER, json.dumps(REQUEST), x_request_timeout="20s")[0] == 200


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("remembering")
    models.write_boosting(folder / "model")
    made = Pod(folder / "pod", f"file://{folder / 'model'}", {"cache": {"maxEntries": 10}})
    assert made.download().returncode == 0
    made.serve()
    yield made
    made.kill()


def test_the_cache_says_what_it_did(remembering: Pod) -> None:
    def asked(**headers: str) -> tuple[str, Any]:
        _, told, body = remembering.ask("POST", INFER, json.dumps(REQUEST), **headers)
        return told["x-cache"], json.loads(body)

    first, second = asked(), asked()
    assert (first[0], second[0]) == ("MISS", "HIT")
    assert first[1] == second[1]
    assert asked(cache_control="no-cache")[0] == "BYPASS"


def test_without_a_cache_nothing_is_said_of_it(serving: Pod) -> None:
    assert "x-cache" not in serving.ask("POST", INFER, json.dumps(REQUEST))[1]


def test_an_answer_is_found_by_its_tensors_whatever_their_form(remembering: Pod) -> None:
    content = models.rows(7)[6:].tobytes()
    tensor = {key: TENSOR[key] for key in ("name", "shape", "datatype")}
    told = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(content)}}]}).encode()
    flat = models.rows(7)[6].tolist()
    as_json = json.dumps({"inputs": [tensor | {"data": flat}]})
    nested = json.dumps({"inputs": [tensor | {"data": [flat]}], "id": "x"})
    length = str(len(told))
    states = [
        remembering.ask("POST", INFER, as_json)[1]["x-cache"],
        remembering.ask("POST", INFER, nested)[1]["x-cache"],
        remembering.ask("POST", INFER, told + content, inference_header_content_length=length)[1]["x-cache"],
    ]
    assert states == ["MISS", "HIT", "HIT"]


async def test_many_clients_get_their_own_answers(serving: Pod) -> None:
    async def one(number: int) -> None:
        row = models.rows(500)[number].tolist()
        request = {"id": f"r{number}", "inputs": [TENSOR | {"data": row}]}
        status, answer = await asyncio.to_thread(serving.infer, request)
        again = await asyncio.to_thread(serving.infer, request)
        assert (status, answer["id"]) == (200, f"r{number}")
        assert again == (status, answer)

    for start in range(0, 60, 20):
        await asyncio.gather(*(one(number) for number in range(start, start + 20)))


def test_a_large_tensor_goes_through_in_both_forms(artifacts: Path, pod: Callable[..., Pod]) -> None:
    slow = pod(f"file://{artifacts / 'slow'}")
    assert slow.download().returncode == 0
    slow.serve()
    head_of = {"name": "x", "shape": [300, 512], "datatype": "FP32"}
    told = json.dumps({"inputs": [head_of | {"parameters": {"binary_data_size": 614_400}}]}).encode()
    for pad in range(4):
        body = told + b" " * pad + b"\0\0\x80\x3f" * (300 * 512)
        length = str(len(told) + pad)
        status, _, answer = slow.ask("POST", INFER, body, inference_header_content_length=length)
        assert status == 200
        assert json.loads(answer)["outputs"][0]["data"] == [1.0] * (300 * 512)


@pytest.mark.parametrize("length", range(1, 40))
def test_a_large_tensor_lies_where_it_can_be_used(length: int) -> None:
    reader = sized(length + 80_000, length)
    sent = bytes(length) + np.arange(20_000, dtype=np.float32).tobytes()
    reader.feed(sent[:70_000], 0)
    reader.feed(b"x" + sent[70_000:] + b"next", 1)
    tensor = np.ndarray((20_000,), np.float32, reader.body(), length)
    assert tensor.ctypes.data % 16 == 0
    assert tensor.tolist() == list(range(20_000))
    assert len(reader.body()) == len(sent)
