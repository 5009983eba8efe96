"""Runs inside the cluster with nothing but Python and gRPC's own client, beside `traffic.py`: asks many different
questions at an even rate, through several doors, and compares each answer with the one that is right.

The first line of stdin is the plan: {"host", "port", "grpcPort", "rate", "seconds", "asks": [{"door", "path",
"headers", "body" (base64), "right": [numbers]}]}. It ends after `seconds`, or when stdin ends; the one line that it
says is the report. Nobody waits for anybody: a slow answer does not slow the questions down.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import grpc.aio
from traffic import ANSWER_SECONDS, STOP, Connection, say, stop_when_stdin_ends

CONNECTIONS = 128
CHANNELS = 4
"""Of gRPC, each with a connection of its own: a Service spreads connections over its pods, not calls."""
STALL_SECONDS = 0.5
"""A patrol that was itself kept from asking for longer than this does not catch up: a machine that froze for seconds
would be asked by hundreds at once."""
TOLD_FAILURES = 20
TOLERANCE = 1e-3
FLOAT_BYTES = 4
LENGTH_DELIMITED = 2
"""A field of a protobuf message that says how long it is."""
Came = tuple[str, dict[str, str], bytes]
"""What came back: empty or what was wrong; headers in lower case; the body."""


class Patrol:
    """One round of questions, and what came back."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.free: list[Connection] = []
        self.open = 0
        self.sent, self.failed, self.stalled = 0, 0, 0.0
        self.failures: list[dict[str, Any]] = []
        self.versions: dict[str, dict[str, Any]] = {}
        self.millis: dict[str, list[float]] = {}
        self.doors: dict[str, Counter[str]] = {}

    async def walk(self) -> None:
        """Ask at the plan's rate until it is over, then wait for the last answers."""
        target, alone = f"{self.plan['host']}:{self.plan['grpcPort']}", [("grpc.use_local_subchannel_pool", 1)]
        self.channels = cycle([grpc.aio.insecure_channel(target, alone) for _ in range(CHANNELS)])
        began, running = time.monotonic(), set[asyncio.Task[None]]()
        until, due = began + self.plan["seconds"], began
        while not STOP.is_set() and time.monotonic() < until:
            ask = self.plan["asks"][self.sent % len(self.plan["asks"])]
            self.sent += 1
            task = asyncio.create_task(self.ask(ask))
            running.add(task)
            task.add_done_callback(running.discard)
            due += 1 / self.plan["rate"]
            early = due - time.monotonic()
            if early < -STALL_SECONDS:
                self.stalled -= early
                due -= early
            await asyncio.sleep(max(0.0, early))
        await asyncio.gather(*running)

    async def ask(self, ask: dict[str, Any]) -> None:
        """One question, however the door is asked."""
        started = time.time()
        door = self.doors.setdefault(ask["door"], Counter())
        door["sent"] += 1
        if self.open >= CONNECTIONS:
            self._missed(ask, f"{CONNECTIONS} questions wait for answers", started)
            return
        self.open += 1
        try:
            wrong, headers, body = await (self._call(ask) if ask["door"] == "grpc" else self._request(ask))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            wrong, headers, body = f"{type(error).__name__}: {error}", {}, b""
        finally:
            self.open -= 1
        if wrong:
            self._missed(ask, wrong, started)
        else:
            self._answered(ask, headers, body, started)

    async def _request(self, ask: dict[str, Any]) -> Came:
        """HTTP, on a connection that nobody uses."""
        connection = self.free.pop() if self.free else Connection(f"http://{self.plan['host']}/", "", close=False)
        connection.host, connection.port = self.plan["host"], self.plan["port"]
        connection.request = raw(self.plan["host"], ask)
        status, headers, body = await connection.ask()
        self.free.append(connection)
        return ("" if status == 200 else f"{status} {body[:200]!r}"), headers, body

    async def _call(self, ask: dict[str, Any]) -> Came:
        """gRPC, on one of the channels in turn."""
        call = next(self.channels).unary_unary(ask["path"])
        try:
            body = await call(base64.b64decode(ask["body"]), timeout=ANSWER_SECONDS)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}", {}, b""
        return "", {"x-model-version": next(fields(body, 2)).decode()}, body

    def _answered(self, ask: dict[str, Any], headers: dict[str, str], body: bytes, started: float) -> None:
        version = headers.get("x-model-version", "")
        seen = self.versions.setdefault(version, {"count": 0, "wrong": 0, "first": started, "last": started})
        seen["count"] += 1
        seen["last"] = max(seen["last"], started)
        seen["wrong"] += not is_right(ask, headers, body)
        self.millis.setdefault(version, []).append((time.time() - started) * 1000)

    def _missed(self, ask: dict[str, Any], why: str, started: float) -> None:
        self.failed += 1
        self.doors[ask["door"]]["failed"] += 1
        if len(self.failures) < TOLD_FAILURES:
            told = {"door": ask["door"], "at": started, "after": round(time.time() - started, 4), "why": why[:300]}
            self.failures.append(told)

    def report(self) -> dict[str, Any]:
        """The whole round; latencies in milliseconds."""
        for version, seen in self.versions.items():
            ordered = sorted(self.millis[version])
            seen["p50"] = round(ordered[len(ordered) // 2], 2)
            seen["p99"] = round(ordered[int(len(ordered) * 0.99)], 2)
        return {
            "sent": self.sent,
            "failed": self.failed,
            "failures": self.failures,
            "stalled": round(self.stalled, 3),
            "versions": self.versions,
            "doors": self.doors,
        }


def raw(host: str, ask: dict[str, Any]) -> bytes:
    """One whole HTTP request."""
    body = base64.b64decode(ask["body"])
    headers = {"Host": host, "Content-Length": str(len(body)), "Connection": "keep-alive", **ask["headers"]}
    lines = [f"POST {ask['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def is_right(ask: dict[str, Any], headers: dict[str, str], body: bytes) -> bool:
    """Whether the answer's probabilities are the expected ones."""
    try:
        got = READERS[ask["door"]](headers, body)
        return len(got) == len(ask["right"]) and all(
            abs(one - other) <= TOLERANCE for one, other in zip(got, ask["right"], strict=True)
        )
    except (KeyError, IndexError, TypeError, ValueError, struct.error):
        return False


def of_v2(_: dict[str, str], body: bytes) -> list[float]:
    """`outputs[name=probabilities].data`."""
    (found,) = (output["data"] for output in json.loads(body)["outputs"] if output["name"] == "probabilities")
    return list(found)


def of_v2_binary(headers: dict[str, str], body: bytes) -> list[float]:
    """The same where tensors follow the JSON as they lie in memory."""
    head = int(headers["inference-header-content-length"])
    at = head
    for output in json.loads(body[:head])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        if output["name"] == "probabilities":
            return list(struct.unpack(f"<{size // FLOAT_BYTES}f", body[at : at + size]))
        at += size
    raise KeyError("probabilities")


def of_v1(_: dict[str, str], body: bytes) -> list[float]:
    """`predictions[0].probabilities`."""
    return list(json.loads(body)["predictions"][0]["probabilities"])


def of_features(_: dict[str, str], body: bytes) -> list[float]:
    """`probabilities`, by class or in the order of classes."""
    found = json.loads(body)["probabilities"]
    return list(found.values()) if isinstance(found, dict) else list(found)


def of_grpc(_: dict[str, str], body: bytes) -> list[float]:
    """`raw_output_contents` at the place of the output that is called so."""
    names = [next(fields(output, 1)) for output in fields(body, 5)]
    found = list(fields(body, 6))[names.index(b"probabilities")]
    return list(struct.unpack(f"<{len(found) // FLOAT_BYTES}f", found))


def fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """The contents of a protobuf message's fields of this number, where they say how long they are."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        size, at = varint(message, at)
        if key & 7 == LENGTH_DELIMITED:
            if key >> 3 == wanted:
                yield message[at : at + size]
            at += size
        elif key & 7:
            raise ValueError(f"a field of type {key & 7}")


def varint(message: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 0x80:
            return value, at


READERS = {"v2": of_v2, "v2-binary": of_v2_binary, "v1": of_v1, "features": of_features, "grpc": of_grpc}


def main() -> None:
    """Read the plan and walk it."""
    plan = json.loads(sys.stdin.readline())
    threading.Thread(target=stop_when_stdin_ends, daemon=True).start()
    patrol = Patrol(plan)
    asyncio.run(patrol.walk())
    say(patrol.report())


if __name__ == "__main__":
    main()
