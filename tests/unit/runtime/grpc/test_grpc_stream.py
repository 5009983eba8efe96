"""Streams: many requests on one call, answered in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.port import SERVICE, opened, question
from tests.unit.runtime.grpc.test_grpc_port import SLOW, until


def streaming(channel: Any, sent: Any = None) -> Any:
    return channel.stream_stream(SERVICE + "ModelStreamInfer")(sent)


def read(content: bytes) -> Any:
    return messages.read("ModelStreamInferResponse", content)


async def test_answers_come_in_the_order_of_their_requests() -> None:
    """The first takes longest."""

    async def requests() -> AsyncIterator[bytes]:
        for index in range(20):
            yield question((0.2 if index == 0 else 100 + index, 0), id=str(index))

    async with opened(SLOW) as port, port.channel() as channel:
        parts = [read(part) async for part in streaming(channel, requests())]
        assert [part.infer_response.id for part in parts] == [str(index) for index in range(20)]
        assert not any(part.error_message for part in parts)


async def test_a_refused_request_does_not_end_the_stream() -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield question(model_name="other", id="a")
        yield b"\xff"
        yield question(id="c")

    async with opened() as port, port.channel() as channel:
        first, second, third = [read(part) async for part in streaming(channel, requests())]
        assert "only the model 'fraud'" in first.error_message
        assert first.infer_response.id == "a"
        assert "cannot be read" in second.error_message
        assert (third.error_message, third.infer_response.id) == ("", "c")


async def test_a_stream_is_read_no_further_than_it_is_answered() -> None:
    sent = 0

    async def requests() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(2000):
            yield question((0.05, 0))
            sent += 1

    async with opened(SLOW) as port, port.channel() as channel:
        call = streaming(channel, requests())
        await call.read()
        await asyncio.sleep(0.2)
        assert port.traffic.in_flight <= 70
        call.cancel()
        await until(lambda: port.traffic.in_flight == 0)
        await until(lambda: port.plane.in_flight <= 4)


async def test_a_client_that_leaves_ends_all_its_work() -> None:
    async with opened(SLOW) as port, port.channel() as channel:
        call = streaming(channel)
        for _ in range(3):
            await call.write(question((30, 0)))
        await until(lambda: len(port.engine.cancels) == 3)
        call.cancel()
        await until(lambda: port.traffic.in_flight == 0)
