"""Calls as no library would make them, by hand: what a call must look like, and what it is told when it does not."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Sequence

import hpack
import pytest
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.port import Port, answered, infer, opened, question
from tests.unit.runtime.grpc.test_grpc_port import until

from moorage_runtime.config import Limits
from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
)
from moorage_runtime.steps import finish

SERVICE = "/inference.GRPCInferenceService/"
PLAIN = {":method": "POST", ":scheme": "http", "content-type": "application/grpc", "te": "trailers"}


def framed(message: bytes, flag: int = 0) -> bytes:
    return bytes((flag,)) + len(message).to_bytes(4, "big") + message


class Told:
    """What came back: headers and trailers in one, and the messages."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.body = b""

    @property
    def code(self) -> int:
        return int(self.fields["grpc-status"])


async def call(port: Port, body: bytes | Sequence[bytes], method: str = "ModelInfer", **more: str) -> Told:
    """One call; underlines in names of `more` stand for hyphens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
    named = PLAIN | {":path": SERVICE + method} | {name.replace("_", "-"): value for name, value in more.items()}
    ordered = sorted(named.items(), key=lambda field: not field[0].startswith(":"))
    writer.write(PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, hpack.Encoder().encode(ordered)))
    parts = [body] if isinstance(body, bytes) else [*body, b""]
    for index, part in enumerate(parts):
        writer.write(frame(DATA, END_STREAM * (index == len(parts) - 1), 1, part))
        await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            return await _told(reader)
    finally:
        writer.close()


async def _told(reader: asyncio.StreamReader) -> Told:
    told, decoder = Told(), hpack.Decoder()
    while True:
        word, flags, number = frames.read_head(await reader.readexactly(9))
        content = await reader.readexactly(word >> 8)
        if number != 1:
            continue
        if word & 0xFF == HEADERS:
            told.fields |= {str(name): str(value) for name, value in decoder.decode(content)}
        elif word & 0xFF == DATA:
            told.body += content
        assert word & 0xFF != RST_STREAM
        if flags & END_STREAM:
            return told


async def test_a_message_in_any_parts() -> None:
    async with opened() as port:
        whole = framed(question())
        for parts in ([whole], [whole[:3], whole[3:]], [bytes((byte,)) for byte in whole], [b"", whole]):
            told = await call(port, parts)
            assert (told.code, answered(told.body[5:])) == (0, [[200.0, 2.0]])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_messages_alone_and_in_a_conversation(coding: str) -> None:
    async with opened() as port:
        packed = (gzip.compress if coding == "gzip" else zlib.compress)(question())
        told = await call(port, framed(packed, 1), grpc_encoding=coding)
        assert (told.code, answered(told.body[5:])) == (0, [[200.0, 2.0]])
        both = framed(packed, 1) + framed(question(id="2"))
        told = await call(port, both, "ModelStreamInfer", grpc_encoding=coding)
        first = int.from_bytes(told.body[1:5], "big")
        answers = [told.body[5 : 5 + first], told.body[10 + first :]]
        assert [messages.read("ModelStreamInferResponse", each).infer_response.id for each in answers] == ["", "2"]


@pytest.mark.parametrize("method", ["ModelInfer", "ModelStreamInfer"])
@pytest.mark.parametrize(
    ("body", "more", "code"),
    [
        (framed(question(), 2), {}, 3),
        (framed(question(), 1), {}, 3),
        (framed(b"no gzip", 1), {"grpc_encoding": "gzip"}, 3),
        (framed(gzip.compress(bytes(3 << 20)), 1), {"grpc_encoding": "gzip"}, 8),
        (b"\x00\xff\xff\xff\xff", {}, 8),
        (framed(question())[:-1], {}, 3),
        (framed(question()), {"grpc_encoding": "snappy"}, 12),
        (framed(question()), {"grpc_timeout": "soon"}, 3),
    ],
)
async def test_what_is_no_message(method: str, body: bytes, more: dict[str, str], code: int) -> None:
    async with opened(limits=Limits(body_bytes=1 << 20)) as port:
        told = await call(port, body, method, **more)
        assert (told.code, told.body) == (code, b"")
        assert told.fields["x-error-reason"]
        assert (await call(port, framed(question()))).code == 0
        assert port.traffic.in_flight == 0


@pytest.mark.parametrize("body", [b"", framed(question()) * 2, b"\x00"])
async def test_a_call_holds_one_message(body: bytes) -> None:
    async with opened() as port:
        assert (await call(port, body)).code == 3
        told = finish(port.plane.metrics.steps()).decode()
        assert 'door="grpc",outcome="refused"} 1' in told


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({":method": "GET"}, "405"),
        ({"content_type": "application/json"}, "415"),
        ({"content_type": "application/grpc+json"}, "415"),
        ({"content_type": "application/grpc-web"}, "415"),
        ({"content_type": "application/grpc+proto; charset=x"}, "200"),
        ({"x_some_bin": "AAECAw"}, "200"),
    ],
)
async def test_what_is_no_call(more: dict[str, str], status: str) -> None:
    async with opened() as port:
        assert (await call(port, framed(question()), **more)).fields[":status"] == status


async def test_a_deadline_ends_a_conversation() -> None:
    async with opened(0.01) as port:
        told = await call(port, framed(question((30, 0))), "ModelStreamInfer", grpc_timeout="300m")
        assert told.code == 4
        await until(lambda: port.traffic.in_flight == 0 and port.plane.in_flight <= 1)


async def test_an_open_conversation_ends_with_the_port() -> None:
    async with opened() as port, port.channel() as channel:
        conversation = channel.stream_stream(SERVICE + "ModelStreamInfer")()
        await conversation.write(question())
        assert await conversation.read()
        watched = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        assert await watched.read()
        async with asyncio.timeout(2):
            await port.listener.stop(5)
        assert (await conversation.code()).name == (await watched.code()).name == "UNAVAILABLE"


async def test_messages_of_anything_between_one_byte_and_many_frames() -> None:
    async with opened() as port, port.channel() as channel:
        for rows in (1, 100, 2_047, 2_048, 2_049, 40_000, 400_000):
            sent = [(100.0 + row % 7, 1.0) for row in range(rows)]
            assert answered(await infer(channel, question(*sent)))[-1] == [2 * sent[-1][0], 2.0]
