"""A client that behaves, in a process of its own, until its stdin ends: it asks at a fixed rate over one connection.

It prints the milliseconds of all of its requests as JSON.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.hostile.transport import WHOLE

ROOT = Path(__file__).parents[2]


def main(port: int, rate: float) -> None:
    path, whole = WHOLE["v2 json"]
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(whole)}\r\nCache-Control: no-cache\r\n\r\n"
    request = head.encode() + whole
    over = threading.Event()
    threading.Thread(target=_until_told, args=(over,), daemon=True).start()
    waited = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.perf_counter()
        while not over.is_set():
            time.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            line.sendall(request)
            _check(line)
            waited.append((time.perf_counter() - sent) * 1000)
            due = max(due + 1 / rate, time.perf_counter())
    sys.stdout.write(json.dumps(waited))


def _until_told(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


def _check(line: socket.socket) -> None:
    """Read one answer, which is a good one."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"the bystander got {data[:300]!r}")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += line.recv(1 << 16)


class Bystander:
    """That client, started and ended."""

    def __init__(self, port: int, rate: float) -> None:
        command = [sys.executable, "-c", f"from tests.hostile.bystander import main; main({port}, {rate})"]
        environment = {"PYTHONPATH": ":".join(map(str, (ROOT, ROOT / "runtime")))}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def end(self) -> list[float]:
        """The milliseconds of its requests, sorted. Fails if one of them was not answered well."""
        out, errors = self._process.communicate(b"", timeout=60)
        assert self._process.returncode == 0, errors.decode()
        waited: list[float] = json.loads(out)
        return sorted(waited)


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]
