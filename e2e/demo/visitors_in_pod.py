"""Runs inside the cluster with nothing but Python, beside `traffic.py`: visitors at an even rate, told twice a second.

Each line: {"at", "answers": {version: count}, "failed", "p50Millis", "p99Millis"}; the last one has "total".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from traffic import STOP, Connection, say, stop_when_stdin_ends

TOLD_SECONDS = 0.5


class Visitors:
    """What came back since the last line, and in all."""

    def __init__(self, url: str, bodies: list[str]) -> None:
        self.url, self.bodies = url, bodies
        self.answers: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.millis: list[float] = []
        self.failed = 0
        self.asked = 0

    async def ask(self, connection: Connection, number: int) -> None:
        """One visit."""
        connection.request = Connection(self.url, self.bodies[number % len(self.bodies)], close=False).request
        began = time.perf_counter()
        try:
            status, headers, _ = await connection.ask()
        except (OSError, EOFError, ValueError, TimeoutError):
            status, headers = 0, {}
        version = headers.get("x-model-version", "?")
        if status == 200:
            self.answers[version] += 1
            self.total[version] += 1
            self.millis.append((time.perf_counter() - began) * 1000)
        else:
            self.failed += 1
            self.total["failed"] += 1

    def line(self) -> dict[str, Any]:
        """Since the last line."""
        ordered = sorted(self.millis) or [0.0]
        told = {
            "at": time.time(),
            "answers": dict(self.answers),
            "failed": self.failed,
            "p50Millis": round(ordered[len(ordered) // 2], 2),
            "p99Millis": round(ordered[int(len(ordered) * 0.99)], 2),
        }
        self.answers.clear()
        self.millis, self.failed = [], 0
        return told


async def receive(visitors: Visitors, rate: float, lanes: int, seconds: float) -> None:
    """`lanes` connections, each at its part of the rate; a late one does not catch up by a burst."""
    until = time.monotonic() + seconds

    async def lane(first: int) -> None:
        connection, number, pause = Connection(visitors.url, "", close=False), first, lanes / rate
        await asyncio.sleep(first / rate)
        while not STOP.is_set() and time.monotonic() < until:
            began = time.monotonic()
            await visitors.ask(connection, number)
            number += lanes
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))
        connection.close()

    async def tell() -> None:
        while not STOP.is_set() and time.monotonic() < until:
            await asyncio.sleep(TOLD_SECONDS)
            say(visitors.line())

    await asyncio.gather(tell(), *(lane(number) for number in range(lanes)))
    say({**visitors.line(), "total": dict(visitors.total)})


def main() -> None:
    """Read the options and let them come."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    threading.Thread(target=stop_when_stdin_ends, daemon=True).start()
    bodies = json.loads(options.bodies.read_text())
    asyncio.run(receive(Visitors(options.url, bodies), options.rate, options.lanes, options.seconds))


if __name__ == "__main__":
    main()
