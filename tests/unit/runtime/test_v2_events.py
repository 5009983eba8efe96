"""The V2 door's answers in parts, over a real socket, from an engine that makes parts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.unit.runtime.batching_fakes import Doubling
from tests.unit.runtime.test_plane_stream import Counting, ends, plane_of

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.servers.http.listener import Listener
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.servers.rest.v2 import V2Door

TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
REQUEST: dict[str, Any] = {"id": "s-1", "inputs": [TENSOR]}
EVENTS = {"accept": "text/event-stream"}


@asynccontextmanager
async def door(engine: Any, **limits: Any) -> AsyncIterator[tuple[DataPlane, int]]:
    plane, _ = plane_of(engine, **limits)
    plane.catalogue.open()
    listener = Listener(Router([V2Door(plane, Turns())]), "127.0.0.1", 0)
    await listener.start()
    try:
        yield plane, listener.port
    finally:
        await listener.stop(1)
        plane.close()


async def send(port: int, request: Any, **headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    body = json.dumps(request).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST /v2/models/fraud/infer HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n{told}\r\n"
    writer.write(head.encode() + body)
    return reader, writer


async def ask(port: int, request: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await send(port, request, **headers)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    told = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
    if "content-length" in told:
        content = await reader.readexactly(int(told["content-length"]))
    else:
        content = b""
        while (size := int(await asyncio.wait_for(reader.readline(), 10), 16)) > 0:
            content += await reader.readexactly(size)
            await reader.readline()
    writer.close()
    return int(head.split()[1]), told, content


def events(content: bytes) -> list[tuple[str, Any]]:
    """As an EventSource reads them: name and data of each."""
    assert content.endswith(b"\n\n")
    found = []
    for block in content.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found


async def test_each_part_is_an_event() -> None:
    async with door(Counting(20)) as (plane, port):
        status, headers, content = await ask(port, REQUEST, **EVENTS)
        assert (status, headers["content-type"], headers["cache-control"]) == (200, "text/event-stream", "no-store")
        found = events(content)
        assert [name for name, _ in found] == ["message"] * 20
        assert [document["outputs"][0]["data"] for _, document in found] == [[number] for number in range(20)]
        assert {document["id"] for _, document in found} == {"s-1"}
        assert ends(plane) == {"ok": 1}


async def test_an_answer_without_parts_is_empty() -> None:
    async with door(Counting(0)) as (_, port):
        assert (await ask(port, REQUEST, **EVENTS))[::2] == (200, b"")


async def test_who_does_not_ask_for_parts_gets_the_answer_in_one() -> None:
    async with door(Counting(3)) as (_, port):
        for headers in ({}, {"accept": "*/*"}, {"accept": "text/event-stream;q=0.5, application/json"}):
            status, told, content = await ask(port, REQUEST, **headers)
            assert (status, told["content-type"]) == (200, "application/json")
            assert json.loads(content)["outputs"][0]["data"] == [2, 4]


async def test_a_model_without_parts_says_so() -> None:
    async with door(Doubling()) as (_, port):
        status, _, content = await ask(port, REQUEST, **EVENTS)
        assert (status, json.loads(content)) == (
            406,
            {"error": "this model answers in one part, as application/json"},
        )
        assert (await ask(port, REQUEST, accept="text/event-stream, application/json"))[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"inputs": []}, 400),
        (REQUEST | {"parameters": {"binary_data_output": True}}, 400),
        (REQUEST | {"parameters": {"timeout": 1}}, 504),
    ],
)
async def test_what_is_refused_in_front_is_an_ordinary_refusal(request_: Any, status: int) -> None:
    async with door(Counting(3)) as (_, port):
        found, headers, content = await ask(port, request_, **EVENTS)
        assert (found, headers["content-type"]) == (status, "application/json")
        assert json.loads(content)["error"]


async def test_a_failure_before_the_first_part_is_a_500() -> None:
    async with door(Counting(3, bad=0)) as (plane, port):
        status, _, content = await ask(port, REQUEST, **EVENTS)
        assert status == 500
        assert b"secret" not in content
        assert ends(plane) == {"failed": 1}


async def test_a_failure_amid_the_parts_is_an_event() -> None:
    async with door(Counting(5, bad=2)) as (_, port):
        status, _, content = await ask(port, REQUEST, **EVENTS)
        assert status == 200
        names = [name for name, _ in events(content)]
        assert names == ["message", "message", "error"]
        assert b"secret" not in content


async def test_the_deadline_ends_the_parts() -> None:
    async with door(Counting(5, slow=2)) as (plane, port):
        _, _, content = await ask(port, REQUEST, x_request_timeout="100ms", **EVENTS)
        assert [name for name, _ in events(content)] == ["message", "message", "error"]
        assert ends(plane) == {"timeout": 1}


async def test_a_client_that_leaves_stops_the_model() -> None:
    engine = Counting(10**9)
    async with door(engine) as (plane, port):
        reader, writer = await send(port, REQUEST, **EVENTS)
        await reader.readuntil(b'"data":[3]')
        writer.transport.abort()
        assert await asyncio.to_thread(engine.closed.wait, 5)
        assert ends(plane) == {"cancelled": 1}


async def test_a_client_that_reads_slowly_slows_the_model() -> None:
    engine = Counting(10**9)
    async with door(engine) as (_, port):
        reader, writer = await send(port, REQUEST, **EVENTS)
        await reader.readuntil(b'"data":[3]')
        made = -1
        while engine.made != made:
            made = engine.made
            await asyncio.sleep(0.3)
        assert made < 1_000_000
        writer.transport.abort()
