"""Runs inside the cluster with nothing but Python, beside `traffic.py`: people with keys, who come again and again.

The first line of stdin is the plan: {"host", "port", "path", "header", "body", "keys", "rounds"}. Each round asks once
for each key, on a new connection, so that every pod is met; it ends after `rounds`, or when stdin ends. The one line
that it says is {"sent", "failed", "failures", "seen": {key: {version: count}}}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import Counter
from typing import Any

sys.path.insert(0, "/traffic")
from traffic import STOP, Connection, say, stop_when_stdin_ends

VOTERS = 8
PAUSE = 0.01
TOLD_FAILURES = 20


class Vote:
    """All rounds, and what came back."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.sent, self.failed = 0, 0
        self.failures: list[str] = []
        self.seen: dict[str, Counter[str]] = {key: Counter() for key in plan["keys"]}

    async def run(self) -> None:
        """Several at a time, each with keys of his own."""
        keys = self.plan["keys"]
        await asyncio.gather(*(self.voter(keys[place::VOTERS]) for place in range(VOTERS)))

    async def voter(self, keys: list[str]) -> None:
        """Round after round."""
        for _ in range(self.plan["rounds"]):
            for key in keys:
                if STOP.is_set():
                    return
                await self.ask(key)
                await asyncio.sleep(PAUSE)

    async def ask(self, key: str) -> None:
        """One question."""
        plan = self.plan
        connection = Connection(f"http://{plan['host']}:{plan['port']}/", "", close=True)
        connection.request = request(plan, key)
        self.sent += 1
        try:
            status, headers, body = await connection.ask()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.missed(f"{key}: {type(error).__name__}: {error}")
            return
        connection.close()
        if status == 200:
            self.seen[key][headers.get("x-model-version", "")] += 1
        else:
            self.missed(f"{key}: {status} {body[:200]!r}")

    def missed(self, why: str) -> None:
        """A failure; the first ones are told."""
        self.failed += 1
        if len(self.failures) < TOLD_FAILURES:
            self.failures.append(why[:300])

    def report(self) -> dict[str, Any]:
        """Everything."""
        return {"sent": self.sent, "failed": self.failed, "failures": self.failures, "seen": self.seen}


def request(plan: dict[str, Any], key: str) -> bytes:
    """One whole HTTP request, which tells the server that no other follows."""
    payload: bytes = plan["body"].encode()
    lines = [
        f"POST {plan['path']} HTTP/1.1",
        f"Host: {plan['host']}",
        "Content-Type: application/json",
        f"Content-Length: {len(payload)}",
        f"{plan['header']}: {key}",
        "Connection: close",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def main() -> None:
    """Read the plan and follow it."""
    plan = json.loads(sys.stdin.readline())
    threading.Thread(target=stop_when_stdin_ends, daemon=True).start()
    vote = Vote(plan)
    asyncio.run(vote.run())
    say(vote.report())


if __name__ == "__main__":
    main()
