"""What a request costs inside the serving process: the doors fed with bytes, without a socket and without a client.

    python -m bench.inside [--model mlp] [--door v2 ...] [--rows N] [--together N] [--profile]

CPU time of the one thread, so a busy machine disturbs it little. What the kernel and the loop take for reading and
writing comes on top: it is the larger part of what uvicorn's constant answer costs.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import msgspec
import uvloop

from moorage_runtime import places
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.repository.load import load
from moorage_runtime.servers.http.connection import Connection
from moorage_runtime.servers.station import Station

from . import models
from .cells import DOORS
from .contestants import moorage
from .payloads import Payload, payloads

TURNS = 400
REPEATS = 7


class Wire(asyncio.Transport):
    """A transport that keeps nothing but the last answer."""

    answer = b""
    answered = 0

    def write(self, data: Any) -> None:
        self.answer = data
        Wire.answered += 1

    def is_closing(self) -> bool:
        return False


def request(path: str, payload: Payload) -> bytes:
    """The bytes of one POST as wrk sends it."""
    headers = {"Host": "127.0.0.1:8080", **payload.headers, "Content-Length": str(len(payload.body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + payload.body


def receive(connection: Connection, data: bytes) -> None:
    """Hand over what came, as the loop does: as much as fits, where the connection wants it."""
    while data:
        place = connection.get_buffer(-1)
        count = min(len(place), len(data))
        place[:count] = data[:count]
        connection.buffer_updated(count)
        data = data[count:]


class Inside:
    """A station that nobody connects to."""

    def __init__(self, station: Station, together: int) -> None:
        service = station._public._service
        self.asked = 0
        self.wires = [Wire() for _ in range(together)]
        self.connections = [Connection(service) for _ in self.wires]
        for connection, wire in zip(self.connections, self.wires, strict=True):
            connection.connection_made(wire)

    async def turns(self, wires: list[bytes], count: int) -> float:
        """So many turns of the loop with one request on each connection; CPU microseconds a request."""
        used = time.thread_time()
        for turn in range(count):
            self.asked += len(self.connections)
            for index, connection in enumerate(self.connections):
                receive(connection, wires[(turn + index) % len(wires)])
            while Wire.answered < self.asked:  # noqa: ASYNC110 - bare turns of the loop are what is measured
                await asyncio.sleep(0)
        return (time.thread_time() - used) / count / len(self.connections) * 1e6

    async def cost(self, wires: list[bytes]) -> float:
        """The median over repeats; raises AssertionError when an answer is not 200."""
        count = max(20, TURNS // len(self.connections))
        await self.turns(wires, count)
        for wire in self.wires:
            assert wire.answer.startswith(b"HTTP/1.1 200"), wire.answer[:300]
        return statistics.median([await self.turns(wires, count) for _ in range(REPEATS)])


@contextmanager
def placed(model: str) -> Iterator[RuntimeConfig]:
    """The environment of a pod whose artifact is downloaded."""
    with tempfile.TemporaryDirectory() as folder:
        values = {"folder": folder, "artifact": str(models.artifact(model)), "runtime": "", "port": "0"}
        values |= {"grpc_port": "0", "admin_port": "0"}
        environment = moorage("inside", model=model).environment
        filled = {name: Template(text).substitute(values) for name, text in environment.items()}
        del filled["PYTHONPATH"]
        os.environ.update(filled)
        subprocess.run([sys.executable, "-m", "moorage_runtime", "download"], check=True, capture_output=True)
        yield msgspec.json.decode(filled["MOORAGE_CONFIG"], type=RuntimeConfig)


async def measure(config: RuntimeConfig, asked: argparse.Namespace) -> None:
    """Print the cost of each door."""
    here = places.from_environment(os.environ)
    station = Station(config, here, [config.model])
    await station.start()
    station.catalogue.install(load(config, here.model_dir))
    await station.open()
    inside = Inside(station, asked.together)
    for door in asked.door:
        wires = [request(DOORS[door], payload) for payload in payloads(door, asked.rows)]
        print(f"{door:10} {await inside.cost(wires):8.2f} us a request")
        if asked.profile:
            with cProfile.Profile() as profile:
                await inside.turns(wires, 100)
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    os._exit(0)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside")
    parser.add_argument("--model", default="gb")
    parser.add_argument("--door", nargs="+", choices=DOORS, default=list(DOORS))
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--together", type=int, default=64, help="requests in one turn of the loop")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with placed(asked.model) as config:
        uvloop.run(measure(config, asked))


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main()
