"""HTTP/2 as only a bad client speaks it: others go on being answered."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from tests.unit.runtime.grpc.port import Port, answered, infer, opened, refusal

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9


def frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + content


def literal(name: bytes, value: bytes) -> bytes:
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


CALL = b"".join(
    literal(name, value)
    for name, value in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
        (b":authority", b"moorage"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )
)


async def frames(reader: asyncio.StreamReader) -> list[int]:
    """The kinds of all frames until the server closes the connection."""
    found = []
    try:
        async with asyncio.timeout(10):
            while True:
                head = await reader.readexactly(9)
                await reader.readexactly(int.from_bytes(head[:3], "big"))
                found.append(head[3])
    except (asyncio.IncompleteReadError, ConnectionError):
        return found


@asynccontextmanager
async def connected(port: Port) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.write(PREFACE + frame(SETTINGS))
    yield reader, writer
    writer.close()


async def assert_others_are_answered(port: Port) -> None:
    async with port.channel() as channel:
        assert answered(await infer(channel, timeout=5)) == [[200.0, 2.0]]


async def test_a_client_that_pings_without_end_is_sent_away() -> None:
    async with opened() as port, connected(port) as (reader, writer):
        writer.write(frame(PING, content=bytes(8)) * 50)
        assert GOAWAY in await frames(reader)
        await assert_others_are_answered(port)


async def test_calls_that_are_reset_at_once() -> None:
    async with opened() as port, connected(port) as (reader, writer):
        reading = asyncio.ensure_future(frames(reader))
        for stream in range(1, 20_001, 2):
            writer.write(frame(HEADERS, 4, stream, CALL) + frame(RST, 0, stream, struct.pack(">I", 8)))
            if stream % 1000 == 1:
                try:
                    await writer.drain()
                except ConnectionError:
                    break
                await assert_others_are_answered(port)
        writer.close()
        await reading
        await assert_others_are_answered(port)
        assert port.traffic.in_flight == 0


async def test_headers_that_never_end() -> None:
    async with opened() as port, connected(port) as (_, writer):
        writer.write(frame(HEADERS, 0, 1, CALL))
        try:
            for _ in range(2000):
                writer.write(frame(CONTINUATION, 0, 1, literal(b"x-more", b"y" * 100) * 10))
                await writer.drain()
        except ConnectionError:
            pass
        await assert_others_are_answered(port)
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 1000,
        PREFACE + frame(DATA, 0, 0, b"x"),
        PREFACE + frame(SETTINGS, 0, 0, b"x"),
        PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 2, CALL),
        PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, b"\xff" * 50),
        PREFACE + frame(SETTINGS) + b"\xff\xff\xff" + frame(DATA)[3:],
        PREFACE + frame(SETTINGS) + frame(99, content=b"x" * 100),
        PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, CALL) + frame(DATA, 1, 1, b"\x00\xff\xff\xff\xff"),
        PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, CALL) + frame(DATA, 1, 1, b"\x05\x00\x00\x00\x00"),
        PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, CALL) + frame(DATA, 1, 1, b""),
    ],
)
async def test_what_is_no_http2(sent: bytes) -> None:
    async with opened() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port.number)
        writer.write(sent)
        await asyncio.sleep(0.02)
        await assert_others_are_answered(port)
        writer.close()


async def test_metadata_without_end_is_refused() -> None:
    async with opened() as port, port.channel() as channel:
        error = await refusal(infer(channel, metadata=(("x-large", "y" * 100_000),)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await assert_others_are_answered(port)
