"""Runs inside the cluster with nothing but Python: sends requests, reports JSON lines.

`load`: keep-alive connections, until told to stop (a closed stdin) and `least` requests are sent; one line at the end.
`probe`: a new connection each time; one line whenever the answer changes, all stretches of equal answers at the end.
Everything is bounded: `most` requests, `seconds` of time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import select
import sys
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

STOP = threading.Event()
ANSWER_SECONDS = 10.0


def request_bytes(url: str, body: str, close: bool) -> tuple[str, int, bytes]:
    """Host, port and one whole HTTP request."""
    parts = urlsplit(url)
    payload = body.encode()
    lines = [
        f"{'POST' if body else 'GET'} {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.hostname}",
        "Content-Type: application/json",
        f"Content-Length: {len(payload)}",
        f"Connection: {'close' if close else 'keep-alive'}",
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return parts.hostname or "", parts.port or 80, head + payload


class Connection:
    """One connection that is opened when needed and closed when the server says so."""

    def __init__(self, url: str, body: str, close: bool) -> None:
        self.host, self.port, self.request = request_bytes(url, body, close)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self) -> tuple[int, dict[str, str], bytes]:
        """Send the request: status, headers in lower case, body. Raises OSError, EOFError or TimeoutError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._is_stale():
                    self.close()
                if self.writer is None:
                    self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
                self.writer.write(self.request)
                return await self._answer()
        except BaseException:
            self.close()
            raise

    def _is_stale(self) -> bool:
        """Whether the server has closed it while it was idle: what every client with a pool looks at before it asks."""
        if self.writer is None or self.reader is None:
            return False
        readable, _, _ = select.select([self.writer.get_extra_info("socket")], [], [], 0)
        return self.reader.at_eof() or bool(readable)

    async def _answer(self) -> tuple[int, dict[str, str], bytes]:
        assert self.reader is not None
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(head[0].split()[1]), headers, body

    def close(self) -> None:
        """Drop the connection."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Tally:
    """What came back: counts, failures with samples, when each version was seen."""

    def __init__(self) -> None:
        self.sent = 0
        self.failures: list[dict[str, Any]] = []
        self.failed = 0
        self.versions: dict[str, dict[str, Any]] = {}
        self.latencies: list[float] = []
        self.latest, self.quiet, self.quiet_since = time.time(), 0.0, 0.0

    def answered(self, version: str, started: float, ended: float) -> None:
        """Note a good answer."""
        seen = self.versions.setdefault(version, {"count": 0, "first": ended, "last": started})
        seen["count"] += 1
        seen["last"] = max(seen["last"], started)
        self.latencies.append(ended - started)
        if ended - self.latest > self.quiet:
            self.quiet, self.quiet_since = ended - self.latest, self.latest
        self.latest = ended

    def missed(self, why: str, started: float) -> None:
        """Note a failure; the first twenty are told in full."""
        self.failed += 1
        if len(self.failures) < 20:
            self.failures.append({"at": started, "after": round(time.time() - started, 4), "why": why[:300]})

    def report(self) -> dict[str, Any]:
        """The whole run as one JSON object; latencies in milliseconds."""
        ordered = sorted(self.latencies) or [0.0]
        return {
            "sent": self.sent,
            "failed": self.failed,
            "failures": self.failures,
            "versions": self.versions,
            "p50Millis": round(ordered[len(ordered) // 2] * 1000, 2),
            "p99Millis": round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
            "mostMillis": round(ordered[-1] * 1000, 2),
            "quiet": [self.quiet_since, round(self.quiet, 3)],
        }


async def load(options: argparse.Namespace) -> None:
    """Keep every connection busy."""
    tally, until = Tally(), time.time() + options.seconds

    def more() -> bool:
        enough = STOP.is_set() and tally.sent >= options.least
        return not enough and tally.sent < options.most and time.time() < until

    async def client() -> None:
        connection = Connection(options.url, options.body, close=False)
        while more():
            started = time.time()
            tally.sent += 1
            try:
                status, headers, body = await connection.ask()
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                tally.missed(f"{type(error).__name__}: {error}", started)
            else:
                if status == 200:
                    tally.answered(headers.get("x-model-version", ""), started, time.time())
                else:
                    tally.missed(f"{status} {body[:200]!r}", started)
            await asyncio.sleep(options.pause)
        connection.close()

    await asyncio.gather(*(client() for _ in range(options.connections)))
    say(tally.report())


async def probe(options: argparse.Namespace) -> None:
    """Ask on a new connection each time and tell every change."""
    until, last, counts = time.time() + options.seconds, None, Counter[str]()
    while not STOP.is_set() and time.time() < until:
        connection, started = Connection(options.url, options.body, close=True), time.time()
        try:
            status, headers, _ = await connection.ask()
            answer = headers.get("x-model-version", "") if status == 200 else f"!{status}"
        except (OSError, EOFError, ValueError) as error:
            answer = f"!{type(error).__name__}"
        connection.close()
        counts[answer] += 1
        if answer != last:
            say({"answer": answer, "asked": started, "at": time.time()})
            last = answer
        await asyncio.sleep(options.pause)
    say({"end": time.time(), "counts": counts})


def say(line: dict[str, Any]) -> None:
    """One JSON line, at once."""
    print(json.dumps(line), flush=True)


def stop_when_stdin_ends() -> None:
    """The one who started us closes our stdin, or goes away."""
    sys.stdin.read()
    STOP.set()


def main() -> None:
    """Read the options and run one of the two."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["load", "probe"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--body", default="")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pause", type=float, default=0.0)
    options = parser.parse_args()
    threading.Thread(target=stop_when_stdin_ends, daemon=True).start()
    asyncio.run(load(options) if options.mode == "load" else probe(options))


if __name__ == "__main__":
    main()
