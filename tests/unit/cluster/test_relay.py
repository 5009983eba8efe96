"""The relay carries bytes both ways, keeps quiet connections, and ends what has nothing behind."""

import asyncio
import contextlib
import gc
import socket

import pytest
from e2e.cluster import relay


async def _upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data.upper())
        await writer.drain()
    writer.write(b"!")
    writer.close()


@contextlib.asynccontextmanager
async def _relay():  # type: ignore[no-untyped-def]
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(relay.serve(listener))
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def target(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    server = await asyncio.start_server(_upper, "127.0.0.1", 0)
    monkeypatch.setattr(relay, "TARGET", server.sockets[0].getsockname())
    yield
    server.close()


async def test_bytes_and_the_end_of_them_go_both_ways(target: None) -> None:
    async with _relay() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello" * 100_000)
        writer.write_eof()

        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert answer == b"HELLO" * 100_000 + b"!"


async def test_a_quiet_connection_survives_the_collection_of_garbage(target: None) -> None:
    async with _relay() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"a")
        assert await asyncio.wait_for(reader.readexactly(1), 10) == b"A"
        for _ in range(3):
            await asyncio.sleep(0)
            gc.collect()

        writer.write(b"b")
        assert await asyncio.wait_for(reader.readexactly(1), 5) == b"B"
        writer.close()


async def test_a_client_that_breaks_off_frees_the_connection_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        freed.set()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    monkeypatch.setattr(relay, "TARGET", server.sockets[0].getsockname())
    async with _relay() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readexactly(1)
        writer.transport.abort()

        await asyncio.wait_for(freed.wait(), 5)
    server.close()


async def test_without_anything_behind_a_connection_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    monkeypatch.setattr(relay, "TARGET", address)

    async with _relay() as port:
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
