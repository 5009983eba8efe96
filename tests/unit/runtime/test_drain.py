"""Ending under load: every request that a keep-alive client sends is answered, whatever the moment of the signal."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod, ask

REQUEST = {"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1)[0].tolist()}]}
BODY = json.dumps(REQUEST).encode()
HEAD = (
    b"POST /v2/models/fraud/infer HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)
WIRE = HEAD % len(BODY) + BODY


class Client:
    """A keep-alive client that reconnects only when it was told `connection: close`, and never retries.

    It moves to the next pod when told to close, as a Service would make it do: `ports` are tried from the last on.
    """

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.answered = 0
        self.lost: list[str] = []
        self.closed = 0

    async def run(self, stop: asyncio.Event) -> None:
        streams = None
        while not stop.is_set():
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", self.ports[-1])
                close = await self._once(*streams)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.lost.append(repr(error))
                streams = None
                continue
            if close:
                self.closed += 1
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(WIRE)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            self.lost.append(head.decode())
        self.answered += 1
        return b"connection: close" in head


@pytest.mark.parametrize("turn", range(3))
async def test_no_request_is_lost_when_a_pod_ends_under_load(
    artifacts: Path, pod: Callable[..., Pod], turn: int
) -> None:
    uri = f"file://{artifacts / 'boosting'}"
    old, new = pod(uri), pod(uri, version="4")
    for each in (old, new):
        assert each.download().returncode == 0
        each.serve()
    ports, stop = [old.port], asyncio.Event()
    clients = [Client(ports) for _ in range(8)]
    running = [asyncio.create_task(client.run(stop)) for client in clients]
    await asyncio.sleep(0.3 + 0.037 * turn)
    assert old.process
    old.process.send_signal(signal.SIGTERM)
    # As on a cluster, new connections still reach the old pod for a while after the signal.
    await asyncio.sleep(0.3)
    ports.append(new.port)
    code = await asyncio.to_thread(old.process.wait, 15)
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*running)
    assert code == 0
    assert [loss for client in clients for loss in client.lost] == []
    assert sum(client.answered for client in clients) > 200
    assert all(client.closed for client in clients)


async def test_a_retiring_revision_hands_its_clients_over_without_ending(
    artifacts: Path, pod: Callable[..., Pod]
) -> None:
    old = pod(f"file://{artifacts / 'boosting'}")
    old.write_routes(1, {"abc": {"version": "3", "role": "stable", "weight": 100}})
    assert old.download().returncode == 0
    old.serve()
    assert "connection" not in old.ask("GET", "/v2")[1]
    old.write_routes(2, {"abc": {"version": "3", "role": "retiring"}, "def": {"version": "4", "role": "stable"}})
    await _until(lambda: json.loads(old.admin("/state")[1])["routes"] == {"generation": 2, "role": "retiring"})
    assert old.ask("GET", "/v2")[1]["connection"] == "close"
    assert old.probe("/readyz") == 200
    old.write_routes(3, {"def": {"version": "4", "role": "stable"}})
    await _until(lambda: json.loads(old.admin("/state")[1])["routes"] == {"generation": 3, "role": None})
    assert old.ask("GET", "/v2")[1]["connection"] == "close"
    (old.routes / "routes.json").write_text("{half")
    await asyncio.sleep(0.6)
    assert json.loads(old.admin("/state")[1])["routes"]["generation"] == 3


async def test_readiness_falls_at_once_and_an_idle_pod_ends_soon(artifacts: Path, pod: Callable[..., Pod]) -> None:
    only = pod(f"file://{artifacts / 'boosting'}")
    assert only.download().returncode == 0
    only.serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", only.port)
    assert only.process
    began = time.monotonic()
    only.process.send_signal(signal.SIGTERM)
    await _until(lambda: only.probe("/readyz") == 503)
    assert only.probe("/livez") == 200
    assert ask(only.port, "GET", "/v2/health/ready")[0] == 503
    # The idle connection stays usable: a request that is already on its way is answered.
    writer.write(WIRE)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in head
    assert await asyncio.to_thread(only.process.wait, 10) == 0
    assert time.monotonic() - began < 4
    writer.close()


async def test_the_drain_is_bounded_while_a_client_never_stops(artifacts: Path, pod: Callable[..., Pod]) -> None:
    only = pod(f"file://{artifacts / 'boosting'}", drainSeconds=1.5)
    assert only.download().returncode == 0
    only.serve()
    stop = asyncio.Event()
    client = Client([only.port])
    running = asyncio.create_task(client.run(stop))
    await asyncio.sleep(0.2)
    assert only.process
    began = time.monotonic()
    only.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(only.process.wait, 10) == 0
    assert 1.4 < time.monotonic() - began < 5
    stop.set()
    await running


async def _until(true: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
