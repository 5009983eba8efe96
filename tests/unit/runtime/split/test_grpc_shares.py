"""Requests over gRPC, alone and in streams, share as those over HTTP do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from tests.unit.runtime.grpc.messages import read
from tests.unit.runtime.split.test_messages import message
from tests.unit.runtime.split.town import House, Town, answering, plain, request, served, split

SERVICE = "/inference.GRPCInferenceService/"


@asynccontextmanager
async def connected(house: House) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.station._grpc.port}") as channel:
        yield channel


async def infer(channel: Any, data: bytes, metadata: tuple[tuple[str, str], ...] = (), **more: Any) -> tuple[Any, str]:
    """The answer, and the revision that gave it."""
    call = channel.unary_unary(SERVICE + "ModelInfer")(data, metadata=metadata, **more)
    answer = read("ModelInferResponse", await call)
    return answer, dict(await call.trailing_metadata())["x-model-revision"]


async def test_messages_share_exactly(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 25)
    async with connected(stable) as channel:
        seen: Counter[str] = Counter()
        for _ in range(400):
            answer, revision = await infer(channel, message(id="mine"))
            assert answer.id == "mine"
            assert answer.model_version == {"abc": "3", "def": "4"}[revision]
            assert list(answer.outputs[0].contents.fp32_contents) == [1.0, 2.0]
            seen[revision] += 1
    assert abs(seen["def"] - 100) <= 4
    assert stable.report.forwarded["def"].outcomes == {"ok": seen["def"]}
    assert stable.report.answered.outcomes == {"ok": seen["abc"]}
    assert stable.station._traffic.in_flight == 0


async def test_keys_and_names_are_metadata(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, salt="s", key_header="x-user")
    plan = stable.station.plane.routes.plan
    assert plan is not None
    async with connected(stable) as channel:
        for key in map(str, range(50)):
            _, revision = await infer(channel, message(), (("x-user", key),))
            assert revision == (plan.of_key(key.encode()) or "abc")
        assert (await infer(channel, message(), (("x-model-version", "4"),)))[1] == "def"
        assert (await infer(channel, message(model_version="4")))[1] == "def"
        assert (await infer(channel, message(model_version="3"), (("x-model-version", "3"),)))[1] == "abc"
        for data, metadata in ((message(), (("x-model-version", "5"),)), (message(model_version="5"), ())):
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await infer(channel, data, metadata)
            assert told.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("status", [500, 429, 400])
async def test_no_client_of_grpc_sees_a_bad_candidate(town: Town, status: int) -> None:
    stable = await town.open()
    async with served(answering(plain(status))) as address, connected(stable) as channel:
        split(stable, address, 50)
        revisions = [(await infer(channel, message()))[1] for _ in range(50)]
    assert set(revisions) == {"abc"}
    told = stable.report.forwarded["def"]
    assert told.shielded >= 5
    assert told.held > 0


async def test_who_named_a_revision_is_told_that_it_fails(town: Town) -> None:
    stable = await town.open()
    async with served(answering(plain(503, b'{"message":"not now"}'))) as address, connected(stable) as channel:
        split(stable, address, 0)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await infer(channel, message(), (("x-model-version", "4"),))
    assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    assert told.value.details() == "not now"


async def test_a_stream_keeps_its_order_though_others_answer_some(town: Town) -> None:
    stable = await town.open()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await asyncio.sleep(0.05)
        writer.write(plain(500))

    async with served(slow) as address, connected(stable) as channel:
        split(stable, address, 50)
        call = channel.stream_stream(SERVICE + "ModelStreamInfer")()
        for number in range(20):
            await call.write(message(id=str(number)))
        await call.done_writing()
        ids = [read("ModelStreamInferResponse", answer).infer_response.id async for answer in call]
    assert ids == [str(number) for number in range(20)]


async def test_a_client_of_grpc_that_leaves_takes_its_request_from_the_candidate(town: Town) -> None:
    stable, left = await town.open(), asyncio.Event()

    async def notice(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()

    async with served(notice) as address, connected(stable) as channel:
        split(stable, address, 100)
        call = channel.unary_unary(SERVICE + "ModelInfer")(message())
        asyncio.get_running_loop().call_later(0.1, call.cancel)
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(left.wait(), 2)
    assert stable.outcomes == {"cancelled": 1}
    assert stable.station._traffic.in_flight == 0
