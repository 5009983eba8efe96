"""Requests byte by byte, and answers judged: no answer to anybody has a stack, a path or half an error."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse

from tests.hostile.attack import Attack, statuses
from tests.hostile.server import Server
from tests.unit.runtime.bad.case import Case

LEAKS = (b"Traceback", b'File "', b"site-packages", b"moorage_runtime", b"/tmp/", b"0x7f")
CLOSED = "closed"
SECONDS = 30


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def written(case: Case, host: str = "a") -> bytes:
    """A case as HTTP/1.1; a header whose value is "" is left out if it is the length."""
    told = case.headers if case.body is None else {"Content-Length": str(len(case.body))} | case.headers
    kept = {name: value for name, value in told.items() if value or name != "Content-Length"}
    if not any(name.lower() == "connection" for name in kept):
        kept["Connection"] = "close"
    lines = [f"{case.method} {case.path} HTTP/1.1", f"Host: {host}", *(f"{name}: {kept[name]}" for name in kept)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (case.body or b"")


def answer(port: int, data: bytes, method: str = "POST") -> tuple[str, bytes]:
    """The first answer's status and body, or CLOSED."""
    with connected(port) as line:
        with contextlib.suppress(OSError):  # refused before all was read; the answer is there
            line.sendall(data)
        return told(line, method)


def told(line: socket.socket, method: str = "POST") -> tuple[str, bytes]:
    response = HTTPResponse(line, method=method)
    try:
        response.begin()
        body = response.read()
    except TimeoutError:
        raise AssertionError("no answer") from None
    except (HTTPException, OSError):
        return CLOSED, b""
    finally:
        response.close()
    judge(response.status, body, method)
    return str(response.status), body


def judge(status: int, body: bytes, method: str) -> None:
    """What every answer owes its client."""
    assert status < 500 or status in (503, 504), body[:300]
    for leak in LEAKS:
        assert leak not in body, body[:300]
    if status >= 400 and method != "HEAD":
        document = json.loads(body)
        # The probes of the admin port say it in a field of their own.
        error = document.get("error", document)
        message = error if isinstance(error, str) else error.get("message", error)
        assert message
        if isinstance(error, dict) and "code" in error:
            assert error["code"] == status


def http(case: Case, *, admin: bool = False) -> Callable[[Server], str]:
    """Send one request; its answer's status."""

    def act(server: Server) -> str:
        return answer(server.admin_port if admin else server.port, written(case), case.method)[0]

    return act


def attack(door: str, kind: str, case: Case) -> Attack:
    """A case at a door as an attack."""
    return Attack(door, kind, case.name, http(case, admin=door == "admin"), statuses(*case.statuses))


def raw(door: str, kind: str, name: str, data: bytes, *ends: int | str, admin: bool = False) -> Attack:
    """Bytes on a connection, as an attack."""

    def act(server: Server) -> str:
        return answer(server.admin_port if admin else server.port, data)[0]

    return Attack(door, kind, name, act, tuple(map(str, ends)))
