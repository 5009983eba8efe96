"""What a split costs the pod that splits: CPU time of its one thread per request, and its clients' median latency.

    python -m bench.split [--model gb] [--door v2] [--percent 5] [--rounds 40]

The pod runs in this process; its client, and a candidate that says the same to everything, are processes of their own.
Without a candidate, with one that has no share, with one that has: some requests of each in turns, in changing order,
and what is told are the medians of the differences within a turn, so that a busy machine disturbs all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import uvloop

from moorage_runtime import places
from moorage_runtime.config import Route, RouteTable, RuntimeConfig, Shield, encode
from moorage_runtime.repository.load import load
from moorage_runtime.servers.station import Station

from .cells import DOORS
from .inside import placed, request
from .payloads import payloads

TURN = 200
WARM = 20
GUEST = "candidate"


class Answering(asyncio.Protocol):
    """A candidate that answers before it has read."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, _data: bytes) -> None:
        self.transport.write(self.answer)


async def candidate() -> None:
    """Listen, tell the port, answer until killed."""
    body = b'{"model_name":"fraud","model_version":"2","outputs":[]}'
    who = b"x-model-version: 2\r\nx-model-revision: candidate\r\n"
    start = b"HTTP/1.1 200 OK\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (who, len(body))
    Answering.answer = start + body
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def client(port: int, wire: bytes) -> None:
    """Ask as often as each line of the input says; tell the median latency in microseconds."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for line in sys.stdin:
            seen = []
            for _ in range(int(line)):
                began = time.perf_counter()
                sock.sendall(wire)
                answer = sock.recv(1 << 16)
                seen.append(time.perf_counter() - began)
                assert answer.startswith(b"HTTP/1.1 200"), answer
            sys.stdout.write(f"{statistics.median(seen) * 1e6}\n")
            sys.stdout.flush()


class Pod:
    """The pod that splits, and the process that asks it."""

    def __init__(self, station: Station, routes: Path, asking: asyncio.subprocess.Process, address: str) -> None:
        self._station = station
        self._routes = routes
        self._asking = asking
        self._address = address
        self._generation = 0

    def share(self, percent: int | None) -> None:
        """Put a candidate's share into force; None: no candidate."""
        self._generation += 1
        own = self._station.config.revision
        revisions = {own: Route(version="1", role="stable", weight=100 - (percent or 0))}
        if percent is not None:
            revisions[GUEST] = Route(version="2", role="candidate", weight=percent, address=self._address)
        table = RouteTable(generation=self._generation, revisions=revisions, shield=Shield())
        draft = self._routes.with_name("draft")
        draft.write_text(encode(table))
        draft.replace(self._routes)
        self._station.plane.routes.poll()
        assert self._station.plane.routes.generation == self._generation

    async def ask(self, count: int) -> tuple[float, float]:
        """CPU microseconds of this thread a request, and the client's median latency."""
        assert self._asking.stdin
        assert self._asking.stdout
        used = time.thread_time()
        self._asking.stdin.write(b"%d\n" % count)
        median = float(await self._asking.stdout.readline())
        return (time.thread_time() - used) / count * 1e6, median


async def measure(config: RuntimeConfig, asked: argparse.Namespace, folder: Path) -> None:
    """Print the cost of each table."""
    here = places.from_environment(os.environ)
    station = Station(config, here, [config.model])
    await station.start()
    station.catalogue.install(load(config, here.model_dir))
    await station.open()
    wire = folder / "wire"
    wire.write_bytes(request(DOORS[asked.door], payloads(asked.door, 1)[0]))
    run = ("taskset", "-c", "1", sys.executable, "-m", "bench.split")
    other = await asyncio.create_subprocess_exec(*run, "--as-candidate", stdout=subprocess.PIPE)
    assert other.stdout
    address = f"127.0.0.1:{int(await other.stdout.readline())}"
    asking = await asyncio.create_subprocess_exec(
        *run, "--as-client", str(station._public.port), str(wire), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        await _turns(Pod(station, here.routes_file, asking, address), asked.rounds, [None, 0, asked.percent, 100])
    finally:
        other.kill()
        asking.kill()
    os._exit(0)


async def _turns(pod: Pod, rounds: int, tables: Sequence[int | None]) -> None:
    seen: dict[int | None, list[tuple[float, float]]] = {table: [] for table in tables}
    for turn in range(rounds):
        at = turn % len(tables)
        for table in [*tables[at:], *tables[:at]]:
            pod.share(table)
            await pod.ask(WARM)
            seen[table].append(await pod.ask(TURN))
    for table, found in seen.items():
        cpu, latency = (statistics.median(values) for values in zip(*found, strict=True))
        more = [(one[0] - none[0], one[1] - none[1]) for one, none in zip(found, seen[None], strict=True)]
        cpu_more, latency_more = (statistics.median(values) for values in zip(*more, strict=True))
        name = "no candidate" if table is None else f"{table} %"
        print(f"{name:>12}: CPU {cpu:6.1f} us ({cpu_more:+5.1f}), p50 {latency:6.1f} us ({latency_more:+5.1f})")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.split")
    parser.add_argument("--model", default="gb")
    parser.add_argument("--door", default="v2", choices=DOORS)
    parser.add_argument("--percent", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--as-candidate", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--as-client", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.as_candidate:
        uvloop.run(candidate())
    elif asked.as_client:
        client(int(asked.as_client[0]), Path(asked.as_client[1]).read_bytes())
    else:
        with placed(asked.model) as config, TemporaryDirectory() as folder:
            uvloop.run(measure(config, asked, Path(folder)))


if __name__ == "__main__":
    main()
