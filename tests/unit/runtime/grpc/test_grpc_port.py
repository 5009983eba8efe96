"""The gRPC port, asked over a real connection."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.port import SERVICE, answered, infer, opened, question, refusal

from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import status
from moorage_runtime.steps import finish

Code = grpc.StatusCode
SLOW = 0.01


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_who_answered_is_told_behind_the_answer() -> None:
    async with opened() as port, port.channel() as channel:
        call = infer(channel, metadata=(("x-request-id", "r-1"),))
        assert answered(await call) == [[200.0, 2.0]]
        told = dict(await call.trailing_metadata())
        assert told == {"x-request-id": "r-1", "x-model-version": "3", "x-model-revision": "abc"}
        call = infer(channel, metadata=(("x-request-id", "not sane"),))
        await call
        assert dict(await call.trailing_metadata())["x-request-id"] != "not sane"


@pytest.mark.parametrize("cost", [1e-6, SLOW])
async def test_clients_with_other_numbers_rows_and_ids_do_not_mix(cost: float) -> None:
    async with opened(cost) as port, port.channel() as channel:

        async def ask(index: int) -> None:
            rows = [[100.0 + index + row, row] for row in range(1 + index % 5)]
            more = {"id": str(index)} if index % 3 == 0 else {}
            answer = await infer(channel, question(*rows, **more))
            assert answered(answer) == (np.array(rows) * 2).tolist()
            assert messages.read("ModelInferResponse", answer).id == more.get("id", "")

        await asyncio.gather(*(ask(index) for index in range(200)))


async def test_messages_of_one_length_that_say_different_things() -> None:
    async with opened() as port, port.channel() as channel:
        assert answered(await infer(channel, question((100, 1)))) == [[200.0, 2.0]]
        error = await refusal(infer(channel, question((100, 1), model_name="other")))
        assert error.code() is Code.NOT_FOUND
        tensor = {"name": "z", "datatype": "FP32", "shape": [1, 2]}
        error = await refusal(infer(channel, question((100, 1), inputs=[tensor])))
        assert "no input 'z'" in error.details()
        assert answered(await infer(channel, question((101, 1)))) == [[202.0, 2.0]]


async def test_a_new_version_answers_at_once() -> None:
    async with opened() as port, port.channel() as channel:
        await infer(channel)
        port.serve("4", 1e-6)
        call = infer(channel)
        assert messages.read("ModelInferResponse", await call).model_version == "4"
        assert dict(await call.trailing_metadata())["x-model-version"] == "4"


async def test_a_deadline_ends_the_work() -> None:
    async with opened(SLOW) as port, port.channel() as channel:
        error = await refusal(infer(channel, question((30, 0)), timeout=0.2))
        assert error.code() is Code.DEADLINE_EXCEEDED
        await until(lambda: port.engine.cancels and port.engine.cancels[0].called)


async def test_the_deployments_timeout_is_a_deadline_too() -> None:
    async with opened(SLOW, timeout_seconds=0.2) as port, port.channel() as channel:
        error = await refusal(infer(channel, question((30, 0))))
        assert error.code() is Code.DEADLINE_EXCEEDED
        assert "did not answer within" in error.details()
        assert dict(error.trailing_metadata())["x-error-reason"] == "DeadlineExceeded"


async def test_a_client_that_leaves_ends_the_work() -> None:
    async with opened(SLOW) as port, port.channel() as channel:
        call = infer(channel, question((30, 0)))
        waiting = asyncio.ensure_future(call)
        await until(lambda: port.engine.cancels)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: port.traffic.in_flight == 0)
        assert answered(await infer(channel)) == [[200.0, 2.0]]


async def test_too_many_are_told_when_to_come_again() -> None:
    async with opened(SLOW, limits=Limits(concurrency=1)) as port, port.channel() as channel:
        first = asyncio.ensure_future(infer(channel, question((0.5, 0))))
        await until(lambda: port.engine.cancels)
        error = await refusal(infer(channel))
        assert error.code() is Code.RESOURCE_EXHAUSTED
        told = dict(error.trailing_metadata())
        assert (told["retry-after"], told["grpc-retry-pushback-ms"]) == ("1", "1000")
        await first


async def test_messages_that_are_too_large_or_have_too_many_elements() -> None:
    limits = Limits(body_bytes=1 << 20, elements=1000)
    async with opened(limits=limits) as port, port.channel(("grpc.max_send_message_length", -1)) as channel:
        assert (await refusal(infer(channel, bytes(2 << 20)))).code() is Code.RESOURCE_EXHAUSTED
        error = await refusal(infer(channel, question(*[(1, 2)] * 501)))
        assert (error.code(), "1000 elements" in error.details()) == (Code.RESOURCE_EXHAUSTED, True)
        assert answered(await infer(channel)) == [[200.0, 2.0]]


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x3a\x00" * 5000, b"\x0a\x01\xff", b""])
async def test_what_is_no_request_is_refused(message: bytes) -> None:
    async with opened() as port, port.channel() as channel:
        error = await refusal(infer(channel, message))
        assert error.code() in (Code.INVALID_ARGUMENT, Code.NOT_FOUND)
        assert "Traceback" not in error.details()
        for name in ("ModelReady", "ModelMetadata"):
            call = channel.unary_unary(SERVICE + name)(message)
            if message in (b"\xff", b"\x0a\x01\xff"):
                assert (await refusal(call)).code() is Code.INVALID_ARGUMENT


async def test_every_refusal_is_counted() -> None:
    async with opened() as port, port.channel() as channel:
        await refusal(infer(channel, b"\xff"))
        await infer(channel)
        told = finish(port.plane.metrics.steps()).decode()
        assert 'door="grpc",outcome="ok"} 1' in told
        assert 'door="grpc",outcome="refused"} 1' in told


async def test_a_port_that_is_taken() -> None:
    async with opened() as port:
        with pytest.raises(OSError, match="in use"):
            async with opened(number=port.number):
                pass


@pytest.mark.parametrize(
    ("http", "code"),
    [
        (400, Code.INVALID_ARGUMENT),
        (401, Code.UNAUTHENTICATED),
        (404, Code.NOT_FOUND),
        (413, Code.RESOURCE_EXHAUSTED),
        (422, Code.INVALID_ARGUMENT),
        (429, Code.RESOURCE_EXHAUSTED),
        (499, Code.CANCELLED),
        (500, Code.INTERNAL),
        (503, Code.UNAVAILABLE),
        (504, Code.DEADLINE_EXCEEDED),
    ],
)
def test_codes(http: int, code: grpc.StatusCode) -> None:
    assert status.code(http) == code.value[0]


def test_a_message_fits_a_header() -> None:
    told = status.details(RequestFault(400, "Invalid", "x" * 5000))
    assert told == "x" * 1000 + "..."
