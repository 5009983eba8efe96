"""Pods in this process, on loopback: each a whole `Station` with a real model, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moorage_runtime.config import PodReport, Route, RouteTable, RuntimeConfig, Shield, Source, encode
from moorage_runtime.places import Places
from moorage_runtime.repository.load import load
from moorage_runtime.servers.station import Station

INFER = "/v2/models/fraud/infer"
ROWS = [[1.0, 2.0]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def body(rows: list[list[float]] | None = None, **more: Any) -> bytes:
    data = rows or ROWS
    tensor = {"name": "x", "shape": [len(data), 2], "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor], **more}).encode()


@dataclass
class Told:
    """One answer as its client saw it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def revision(self) -> str:
        return self.headers.get("x-model-revision", "")

    @property
    def outputs(self) -> Any:
        return json.loads(self.body)["outputs"]


class Client:
    """One kept connection; a connection that was closed in good order is opened again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str = INFER, data: bytes | None = None, method: str = "POST", **headers: str) -> Told:
        data = body() if data is None and method == "POST" else data or b""
        named = {"host": "a", "content-length": str(len(data))} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        writer.write("\r\n".join(lines).encode() + data)
        status_line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = {name.lower(): value for name, _, value in (line.partition(": ") for line in fields if line)}
        content = await reader.readexactly(int(told["content-length"])) if method != "HEAD" else b""
        if told.get("connection") == "close":
            self.close()
        return Told(int(status_line.split()[1]), told, content)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class House:
    """A pod that serves."""

    station: Station
    places: Places
    generation: int = 0
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.station._public.port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def report(self) -> PodReport:
        return self.station.plane.report()

    @property
    def outcomes(self) -> dict[str, int]:
        """Of the one revision that this pod gave requests to."""
        (told,) = self.report.forwarded.values()
        return told.outcomes

    def client(self) -> Client:
        self.clients.append(Client(self.port))
        return self.clients[-1]

    def follow(self, revisions: dict[str, Route], **table: Any) -> None:
        """Put a table into force, as the kubelet would."""
        self.generation = table.pop("generation", self.generation + 1)
        self.write(encode(RouteTable(generation=self.generation, revisions=revisions, **table)))

    def write(self, text: str) -> None:
        draft = self.places.routes_file.with_name("draft")
        draft.write_text(text)
        draft.replace(self.places.routes_file)
        self.station.plane.routes.poll()

    async def knows_all(self) -> None:
        """Wait until every other revision has been reached, or was waited for long enough."""
        desk = self.station.desk
        assert desk is not None
        await until(lambda: not any(pool.stranger for pool in desk._pools.values()))

    async def flood(self, count: int, connections: int = 8, **asked: Any) -> Counter[tuple[int, str]]:
        """So many requests over some connections: how many had which status from which revision."""
        seen: Counter[tuple[int, str]] = Counter()
        left = iter(range(count))

        async def run() -> None:
            client = self.client()
            for _ in left:
                told = await client.ask(**asked)
                seen[told.status, told.revision] += 1

        await asyncio.gather(*(run() for _ in range(connections)))
        return seen


async def pipelined(house: House, count: int) -> Counter[tuple[int, str]]:
    """So many requests, fifty at a time over one connection: how many had which status from which revision."""
    data = body()
    wire = f"POST {INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    seen: Counter[tuple[int, str]] = Counter()
    for _ in range(count // 50):
        writer.write(wire * 50)
        for _ in range(50):
            head = await reader.readuntil(b"\r\n\r\n")
            found = _HEAD(head.lower())
            assert found is not None, head
            await reader.readexactly(int(found[3]))
            seen[int(found[1]), found[2].decode()] += 1
    writer.close()
    return seen


_HEAD = re.compile(rb"http/1.1 (\d+) .*?x-model-revision: (\w+)\r\n.*?content-length: (\d+)\r\n", re.DOTALL).match


class Town:
    """Opens pods for one test. `artifacts`: finished downloads by name."""

    def __init__(self, folder: Path, artifacts: dict[str, Path]) -> None:
        self._folder = folder
        self._artifacts = artifacts
        self.houses: list[House] = []

    async def open(self, artifact: str = "same", revision: str = "abc", version: str = "3", **more: Any) -> House:
        folder = self._folder / revision
        folder.mkdir()
        places = Places(
            model_dir=self._artifacts[artifact],
            routes_file=folder / "routes.json",
            credentials_dir=folder,
            termination_file=folder / "termination",
            host="127.0.0.1",
            http_port=0,
            admin_port=0,
            grpc_port=0,
        )
        source = Source(uri="file:///nowhere")
        config = RuntimeConfig(model="fraud", version=version, revision=revision, source=source, **more)
        station = Station(config, places, ["fraud"])
        await station.start()
        station.catalogue.install(load(config, places.model_dir))
        await station.open()
        self.houses.append(House(station, places))
        return self.houses[-1]

    async def pair(self) -> tuple[House, House]:
        """A stable pod of revision `abc`, and one of `def`, of the same model."""
        return await self.open(), await self.open(revision="def", version="4")

    async def close(self) -> None:
        for house in self.houses:
            for client in house.clients:
                client.close()
            await house.station.stop()


SHIELD = Shield()


async def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what comes soon."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def split(house: House, address: str, weight: int, shield: Shield | None = SHIELD, **table: Any) -> None:
    """Give the revision `def` at `address` a share of a pod's requests."""
    house.follow(
        {
            "abc": Route(version="3", role="stable", weight=100 - weight, address=house.address),
            "def": Route(version="4", role="candidate", weight=weight, address=address),
        },
        shield=shield,
        **table,
    )


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that does whatever `handler` does."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Read one request: its first line, headers and body."""
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields if field)}
    return line, headers, await reader.readexactly(int(headers["content-length"]))


def answering(text: bytes, *, ends: bool = False) -> Handler:
    """A server that gives the same bytes to every request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request(reader)
            writer.write(text)
            await writer.drain()
            if ends:
                return

    return handle


def plain(status: int, content: bytes = b"{}", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Any\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status,
        len(content),
        more,
        content,
    )


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a killed pod's node does."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
