"""Clients that send or read as slowly as they can: each is closed within fifteen seconds or two ticks more."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator

from tests.hostile.attack import Attack
from tests.hostile.sending import connected, written
from tests.hostile.server import Server
from tests.hostile.transport import WHOLE
from tests.unit.runtime.bad.case import Case

PATIENCE = 16.0
ENDED = "all closed in time"
Drip = Callable[[socket.socket, int], None]


def attacks() -> Iterator[Attack]:
    for door, (path, whole) in WHOLE.items():
        request = written(Case("", whole, path=path))
        yield _attack(door, "200 that send half a head", 200, request[:30])
        yield _attack(door, "50 that drip a head", 50, request[:30], b"X-%d: y\r\n")
        yield _attack(door, "100 that send half a body", 100, request[:-5])
        long = written(Case("", bytes(1 << 20), path=path))[: -(1 << 20)]
        yield _attack(door, "50 that drip a body", 50, long, b" ")
        chunks = long.replace(b"Content-Length: 1048576", b"Transfer-Encoding: chunked")
        yield _attack(door, "50 that drip chunks", 50, chunks, b"1\r\n \r\n")
    yield _attack("admin", "200 that send half a head", 200, b"GET /metrics HTT", admin=True)
    yield Attack("documents", "slow clients", "20 that do not read", _unread, (ENDED,), parallel=True)


def _attack(door: str, name: str, count: int, first: bytes, drop: bytes = b"", *, admin: bool = False) -> Attack:
    def act(server: Server) -> str:
        port = server.admin_port if admin else server.port
        lines = [connected(port) for _ in range(count)]
        for line in lines:
            line.sendall(first)
        return _watched(lines, drop)

    return Attack(door, "slow clients", name, act, (ENDED,), parallel=True)


def _watched(lines: list[socket.socket], drop: bytes) -> str:
    """Drip once a second until the server has closed all, or its patience has lasted too long."""
    began, number, open_lines = time.monotonic(), 0, set(lines)
    while open_lines and time.monotonic() - began < PATIENCE:
        number += 1
        for line in list(open_lines):
            if _over(line) or not _dripped(line, drop % number if b"%d" in drop else drop):
                open_lines.discard(line)
        time.sleep(0.5)
    for line in lines:
        line.close()
    return f"{len(open_lines)} are open after {PATIENCE} s" if open_lines else ENDED


def _over(line: socket.socket) -> bool:
    watch = select.poll()
    watch.register(line, select.POLLIN)
    try:
        return bool(watch.poll(0)) and not line.recv(1 << 16)
    except OSError:
        return True


def _dripped(line: socket.socket, drop: bytes) -> bool:
    try:
        line.sendall(drop)
    except OSError:
        return False
    return True


def _unread(server: Server) -> str:
    """They ask for far more than their small windows hold, and read none of it."""
    lines = []
    for _ in range(20):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(5)
        line.connect(("127.0.0.1", server.port))
        lines.append(line)
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 2000
    for line in lines:
        line.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            line.send(ask)
    began = time.monotonic()
    while (left := [line for line in lines if not _broken(line)]) and time.monotonic() - began < PATIENCE + 5:
        time.sleep(0.5)
    for line in lines:
        line.close()
    return f"{len(left)} are still open" if left else ENDED


def _broken(line: socket.socket) -> bool:
    """Whether the server has given the connection up, told without reading from it."""
    watch = select.poll()
    watch.register(line, 0)
    return bool(watch.poll(0))
