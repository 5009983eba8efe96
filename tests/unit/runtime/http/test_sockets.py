"""The same over real sockets, on uvloop: what only a kernel shows."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
import uvloop
from tests.unit.runtime.http.wire import Action, Shop, Told, answers, echo, request

from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.listener import Listener
from moorage_runtime.servers.traffic import Traffic


class Server:
    def __init__(self, limits: Limits | None = None) -> None:
        self.shop = Shop()
        self.traffic = Traffic()
        self.leaving = False
        self.listener = Listener(
            self.shop, "127.0.0.1", 0, traffic=self.traffic, limits=limits, leaving=lambda: self.leaving
        )

    async def open(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.listener.port))

    async def asked(self, count: int = 1) -> None:
        """Wait until so many requests wait at `/later`."""
        async with asyncio.timeout(5):
            while len(self.shop.later) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.read = b""

    async def answers(self, count: int = 1) -> list[Told]:
        """The next answers."""
        async with asyncio.timeout(5):
            while len(found := answers(self.read)) < count:
                part = await self.reader.read(1 << 20)
                assert part, self.read
                self.read += part
        self.read = b""
        return found

    async def ended(self, seconds: float = 5) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(seconds):
            return self.read + await self.reader.read(-1)

    def socket(self) -> socket.socket:
        found: socket.socket = self.writer.get_extra_info("socket")
        return found


class Start(Protocol):
    async def __call__(self, **limits: float) -> Server: ...


@pytest.fixture
async def serve() -> AsyncIterator[Start]:
    async with contextlib.AsyncExitStack() as stack:

        async def start(**limits: float) -> Server:
            server = Server(Limits(**limits))  # type: ignore[arg-type]
            await server.listener.start()
            stack.push_async_callback(server.listener.stop, 0)
            return server

        yield start


async def test_the_loop_is_the_one_that_serves(serve: Start) -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)


@pytest.mark.parametrize("size", [0, 10, 65_536, 3_000_000])
async def test_bodies_and_answers_of_every_size(serve: Start, size: int) -> None:
    server = await serve()
    server.shop.routes[b"/echo"] = Action(echo, body_limit=4 << 20)
    client = await server.open()
    for _ in range(3):
        client.writer.write(request("/echo", b"x" * size))
        assert (await client.answers())[0].body == b"POST /echo? " + b"x" * size


async def test_pipelined_requests_with_large_bodies(serve: Start) -> None:
    client = await (await serve()).open()
    client.writer.write(b"".join(request("/echo", b"%d" % number * 100_000) for number in range(8)))
    assert [told.body[-1:] for told in await client.answers(8)] == [b"%d" % number for number in range(8)]


async def test_a_client_that_sends_all_before_it_reads_can_read_why_it_was_refused(serve: Start) -> None:
    client = await (await serve()).open()
    client.writer.write(request("/echo", bytes(20_000_000)))
    await client.writer.drain()
    told = answers(await client.ended())
    assert [each.status for each in told] == [413]
    assert told[0].headers["connection"] == "close"


async def test_a_client_that_shuts_its_sending_side_gets_its_answer(serve: Start) -> None:
    server = await serve()
    client = await server.open()
    client.writer.write(request("/later"))
    await server.asked()
    client.writer.write_eof()
    await asyncio.sleep(1.2)
    server.shop.later[0].answer(200, b"late")
    assert answers(await client.ended())[0].body == b"late"


@pytest.mark.parametrize("rude", [False, True])
async def test_a_client_that_leaves_is_noticed_while_its_answer_is_made(serve: Start, rude: bool) -> None:
    server = await serve()
    client = await server.open()
    client.writer.write(request("/later"))
    await server.asked()
    gone = asyncio.Event()
    server.shop.later[0].on_gone = gone.set
    if rude:
        client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.writer.close()
    async with asyncio.timeout(1.5):
        await gone.wait()
    assert server.traffic.in_flight == 0


async def test_a_client_that_does_not_read_is_cut_off(serve: Start) -> None:
    server = await serve(stall_seconds=1.0)
    client = await server.open()
    client.writer.write(request("/later"))
    await server.asked()
    server.shop.later[0].answer(200, bytes(50_000_000))
    async with asyncio.timeout(5):
        while server.listener._service.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    with pytest.raises(ConnectionError):
        await client.ended()


async def test_a_slow_reader_holds_back_a_stream(serve: Start) -> None:
    server = await serve()
    client = await server.open()
    client.writer.write(request("/later"))
    await server.asked()
    stream = server.shop.later[0].stream(200, b"text/event-stream")
    written = 0

    async def produce() -> None:
        nonlocal written
        for _ in range(400):
            await stream.write(bytes(100_000))
            written += 1
        stream.close()

    producing = asyncio.create_task(produce())
    await asyncio.sleep(0.3)
    stuck = written
    assert stuck < 400
    await asyncio.sleep(0.1)
    assert written == stuck
    data = bytearray()
    while not data.endswith(b"\r\n0\r\n\r\n"):
        data += await client.reader.read(1 << 20)
    assert len(answers(bytes(data))[0].body) == 40_000_000
    await producing


async def test_connections_over_the_limit_are_told(serve: Start) -> None:
    server = await serve(connections=2)
    clients = [await server.open() for _ in range(3)]
    assert answers(await clients[2].ended())[0].status == 503
    for client in clients[:2]:
        client.writer.write(request())
        assert (await client.answers())[0].status == 200


async def test_a_thousand_slow_heads_hurt_nobody_and_are_closed(serve: Start) -> None:
    server = await serve(head_seconds=1.0)
    slow = [await server.open() for _ in range(300)]
    for client in slow:
        client.writer.write(request()[:20])
    good = await server.open()
    for _ in range(100):
        good.writer.write(request())
        assert (await good.answers())[0].status == 200
    for client in slow:
        assert answers(await client.ended())[0].status == 408


async def test_stop_answers_what_has_begun_and_closes_the_rest(serve: Start) -> None:
    server = await serve()
    idle, busy, begun = [await server.open() for _ in range(3)]
    idle.writer.write(request())
    await idle.answers()
    busy.writer.write(request("/later"))
    begun.writer.write(request("/echo", b"abc")[:-2])
    await server.asked()
    stopping = asyncio.create_task(server.listener.stop(5))
    assert await idle.ended() == b""
    with pytest.raises(OSError):
        await server.open()
    server.shop.later[0].answer(200, b"last")
    begun.writer.write(b"bc")
    for client, body in ((busy, b"last"), (begun, b"POST /echo? abc")):
        told = answers(await client.ended())
        assert [each.body for each in told] == [body]
        assert told[0].headers["connection"] == "close"
        client.writer.close()
    async with asyncio.timeout(1):
        await stopping


async def idle_line(server: Server) -> socket.socket:
    """A client of its own, outside of the loop, that was answered once."""
    line = socket.create_connection(("127.0.0.1", server.listener.port), timeout=5)
    line.sendall(request())
    assert (await asyncio.to_thread(line.recv, 4096)).startswith(b"HTTP/1.1 200")
    return line


async def test_what_came_before_the_end_is_answered_though_nobody_had_read_it(serve: Start) -> None:
    server = await serve()
    with await idle_line(server) as line:
        line.sendall(request("/echo", b"late"))
        # The loop has had no turn since.
        server.listener._see_off(*server.listener._service.connections)
        assert answers(await asyncio.to_thread(line.recv, 4096))[0].body == b"POST /echo? late"


async def test_a_client_that_is_seen_off_knows_it_at_once(serve: Start) -> None:
    server = await serve()
    with await idle_line(server) as line:
        server.listener._see_off(*server.listener._service.connections)
        # The loop has had no turn since.
        assert line.recv(1) == b""


async def test_stop_waits_no_longer_than_its_grace(serve: Start) -> None:
    server = await serve()
    client = await server.open()
    client.writer.write(request("/later"))
    await server.asked()
    async with asyncio.timeout(1):
        await server.listener.stop(0.1)
    with contextlib.suppress(ConnectionError):
        assert b"200" not in await client.ended()
    assert server.shop.later[0].gone


async def test_an_end_under_load_loses_no_request(serve: Start) -> None:
    """Clients that reconnect only when told to, as a drain sees them: told, then gone, then the port closes."""
    first, second = await serve(), await serve()
    ports = [first]
    lost: list[str] = []
    answered = 0

    async def run(until: asyncio.Event) -> None:
        nonlocal answered
        client = None
        while not until.is_set():
            try:
                client = client or await ports[0].open()
                client.writer.write(request("/echo", b"x" * 300))
                told = (await client.answers())[0]
            except (OSError, AssertionError, TimeoutError) as error:
                lost.append(repr(error))
                return
            answered += told.status == 200
            if told.headers.get("connection") == "close":
                client.writer.close()
                client = None

    until = asyncio.Event()
    running = [asyncio.create_task(run(until)) for _ in range(16)]
    await asyncio.sleep(0.3)
    first.leaving, ports[0] = True, second
    assert await first.traffic.drained(10)
    await first.listener.stop(1)
    await asyncio.sleep(0.2)
    until.set()
    await asyncio.gather(*running)
    assert lost == []
    assert answered > 500
