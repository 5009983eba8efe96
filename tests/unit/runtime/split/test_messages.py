"""Carrier of gRPC over HTTP/1.1, as the Connect protocol has them: asked directly, and as one pod asks another."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import pytest
from tests.unit.runtime.grpc.messages import make, read
from tests.unit.runtime.split.town import House, Told, Town, answering, plain, served, split, until

from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Reply
from moorage_runtime.servers.rest.connect import PATH
from moorage_runtime.servers.split.messages import Carrier

PROTO = "application/proto"


def message(**more: Any) -> bytes:
    asked = make("ModelInferRequest", model_name="fraud", **more)
    tensor = asked.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    tensor.contents.fp32_contents.extend([1.0, 2.0])
    content: bytes = asked.SerializeToString()
    return content


async def ask(house: House, data: bytes, **headers: str) -> Told:
    return await house.client().ask(PATH.decode(), data, **({"content_type": PROTO} | headers))


async def test_a_message_is_answered_by_a_message(town: Town) -> None:
    house = await town.open()
    for _ in range(2):
        told = await ask(house, message(id="mine"))
        assert (told.status, told.headers["content-type"], told.revision) == (200, PROTO, "abc")
        answer = read("ModelInferResponse", told.body)
        assert (answer.model_name, answer.model_version, answer.id) == ("fraud", "3", "mine")
        assert list(answer.outputs[0].contents.fp32_contents) == [1.0, 2.0]
    raw = make("ModelInferRequest", model_name="fraud", raw_input_contents=[b"\0\0\x80?\0\0\0@"])
    raw.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    for _ in range(2):
        answer = read("ModelInferResponse", (await ask(house, raw.SerializeToString())).body)
        assert list(answer.raw_output_contents) == [b"\0\0\x80?\0\0\0@"]
    assert house.report.answered.outcomes == {"ok": 4}


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"\xff", {}, 400, "invalid_argument"),
        (message(model_version="9"), {}, 404, "not_found"),
        (message(), {"content_type": "application/json"}, 415, "invalid_argument"),
        (message(), {"connect_timeout_ms": "soon"}, 400, "invalid_argument"),
        (message(), {"connect_timeout_ms": "0"}, 504, "deadline_exceeded"),
    ],
)
async def test_a_refusal_is_one_of_connect(
    town: Town, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    told = await ask(await town.open(), data, **headers)
    assert told.status == status
    assert json.loads(told.body)["code"] == code
    assert json.loads(told.body)["message"]


async def test_messages_share_as_all_else_does(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50)
    seen = Counter([(await ask(stable, message())).revision for _ in range(100)])
    assert abs(seen["def"] - 50) <= 3
    async with served(answering(plain(500))) as address:
        split(stable, address, 100)
        assert (await ask(stable, message())).revision == "abc"


class Asking:
    """What the gRPC port does with messages that others answer."""

    def __init__(self, house: House) -> None:
        desk = house.station.desk
        assert desk is not None
        self.messages = Carrier(desk, house.station.router)
        self.replies: list[Reply] = []

    def ask(self, said: dict[bytes, bytes], seconds: float = 10.0) -> bool:
        """Whether another one answers."""
        route = self.messages.takes(said)
        if route is None:
            return False
        self.messages.send(route, message(), said, b"mine", time.monotonic(), seconds, self.replies.append)
        return True


async def test_most_messages_do_not_take_the_way_by_http(town: Town) -> None:
    stable, candidate = await town.pair()
    asking = Asking(stable)
    assert not asking.ask({})
    split(stable, candidate.address, 5)
    await stable.knows_all()
    went = 0
    for _ in range(1000):
        went += asking.ask({})
        await asyncio.sleep(0)
    assert abs(went - 50) <= 4
    await until(lambda: len(asking.replies) == went)
    assert {reply.headers[b"x-model-revision"] for reply in asking.replies} == {b"def"}
    assert {reply.status for reply in asking.replies} == {200}
    assert read("ModelInferResponse", asking.replies[0].body).model_version == "4"


async def test_keys_and_names_lead_messages_as_well(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, salt="s", key_header="x-user")
    asking = Asking(stable)
    for key in (b"%d" % number for number in range(50)):
        assert stable.station.plane.routes.plan is not None
        assert asking.ask({b"x-user": key}) == (stable.station.plane.routes.plan.of_key(key) == "def")
    assert asking.ask({b"x-model-version": b"4"})
    assert not asking.ask({b"x-model-version": b"3"})
    with pytest.raises(RequestFault, match="this model has"):
        asking.ask({b"x-model-version": b"5"})
    assert asking.messages.of_version("4", {}) is not None
    assert asking.messages.of_version("3", {}) is asking.messages.of_version("9", {}) is None


async def test_a_message_that_others_fail_on_is_answered_here(town: Town) -> None:
    stable = await town.open()
    asking = Asking(stable)
    async with served(answering(plain(500))) as address:
        split(stable, address, 100)
        assert asking.ask({})
        await until(lambda: bool(asking.replies))
    assert asking.replies[0].status == 200
    assert read("ModelInferResponse", asking.replies[0].body).model_version == "3"
    # A refusal tells its reason, for the status of gRPC to be made of.
    assert asking.ask({b"x-model-version": b"4"}, seconds=0.2)
    await until(lambda: len(asking.replies) == 2)
    assert asking.replies[1].status == 502
    assert asking.replies[1].headers[b"x-moorage-reason"] == b"RevisionUnreachable"


async def test_a_message_that_is_given_up_is_taken_back(town: Town) -> None:
    stable = await town.open()
    asking = Asking(stable)

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with served(hang) as address:
        split(stable, address, 100)
        await stable.knows_all()
        route = asking.messages.takes({})
        assert route is not None
        exchange = asking.messages.send(route, message(), {}, b"1", time.monotonic(), 10, asking.replies.append)
        exchange.leave()
        assert stable.outcomes == {"cancelled": 1}
    assert asking.replies == []
