"""A connection without a socket: bytes in, bytes out, and time by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from copy import copy
from typing import NamedTuple, cast

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.answers import Answers
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.connection import Connection
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.patience import TICK_SECONDS, Patience
from moorage_runtime.servers.http.service import Service
from moorage_runtime.servers.traffic import Traffic

IDENTITY = ((b"x-model-version", b"7"),)


class Told(NamedTuple):
    """One answer as a client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes


class Action:
    """A route from a plain function."""

    def __init__(self, act: Callable[[Exchange], None], body_limit: int = 1 << 20, needs_body: bool = False) -> None:
        self.act = act
        self.body_limit = body_limit
        self.needs_body = needs_body

    def __call__(self, exchange: Exchange) -> None:
        self.act(exchange)


class Shop:
    """An application: `/echo` tells what came, `/later` is answered by the test, others as the test adds them."""

    def __init__(self) -> None:
        self.epoch = 0
        self.asked: list[Head] = []
        self.later: list[Exchange] = []
        self.routes: dict[bytes, Route] = {
            b"/echo": Action(echo),
            b"/later": Action(self.later.append),
            b"/need": Action(echo, body_limit=1000, needs_body=True),
            b"/fail": Action(fail),
            b"/refuse": Action(refuse),
        }

    def route(self, head: Head) -> Route:
        self.asked.append(head)
        if head.path not in self.routes:
            raise RequestFault(404, "NotFound", "no such path")
        if head.method not in (b"GET", b"HEAD", b"POST", b"OPTIONS"):
            raise RequestFault(405, "MethodNotAllowed", "no", ((b"allow", b"GET"),))
        return self.routes[head.path]

    def error(self, head: Head | None, fault: RequestFault, request_id: bytes) -> bytes:
        return f"{fault.reason} {request_id.decode()}".encode()


def echo(exchange: Exchange) -> None:
    head = exchange.head
    exchange.answer(200, b"%b %b?%b %b" % (head.method, head.path, head.query, bytes(exchange.body)), b"text/plain")


def fail(exchange: Exchange) -> None:
    raise ValueError("a secret of the inside")


def refuse(exchange: Exchange) -> None:
    raise RequestFault(422, "Unprocessable", "no", ((b"x-why", b"because"),))


class Loop:
    """`call_soon`, by hand."""

    def __init__(self) -> None:
        self.soon: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    def call_soon(self, act: Callable[..., object], *arguments: object) -> None:
        self.soon.append((act, arguments))

    def turn(self) -> None:
        while self.soon:
            self.once()

    def once(self) -> None:
        """What is due, and not what that puts off."""
        due, self.soon = self.soon, []
        for act, arguments in due:
            act(*arguments)


class Wire:
    """A transport and its client. `unread`: bytes that the client has not read, as the transport counts them."""

    def __init__(self, shop: Shop | None = None, limits: Limits | None = None) -> None:
        self.shop = shop or Shop()
        self.now = 100.0
        self.traffic = Traffic(lambda: self.now)
        self.leaving = False
        self.seen: list[tuple[int, int]] = []
        self._methods: list[bytes] = []
        self.service = Service(
            self.shop,
            Answers(IDENTITY),
            self.traffic,
            limits or Limits(),
            lambda: self.now,
            lambda: self.leaving,
            self._see,
        )
        self.loop = Loop()
        self.service.loop = cast(asyncio.AbstractEventLoop, self.loop)
        self._come()

    def another(self) -> Wire:
        """One more client of the same port."""
        made = copy(self)
        made._come()
        return made

    def _come(self) -> None:
        self.patience = Patience(self.service.limits)
        self.out = bytearray()
        self.unread = 0
        self.paused = self.closed = self.aborted = self.ended = False
        self._waiting = b""
        self.connection = Connection(self.service)
        self.connection.connection_made(cast(asyncio.Transport, self))

    # The client's side.

    def send(self, *parts: bytes) -> Wire:
        """The client sends; what arrives while reading is paused waits in the kernel."""
        for part in parts:
            self._waiting += part
            self._deliver()
            self.loop.turn()
        return self

    def hang_up(self) -> None:
        """The client sends no more."""
        if not self.closed and not self.connection.eof_received():
            self.close()

    def reset(self) -> None:
        self.abort()

    def wait(self, seconds: float) -> None:
        """Time passes, tick by tick."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + TICK_SECONDS)
            if not self.closed:
                self.patience.look(self.connection, self.now)
            self.loop.turn()

    def _deliver(self) -> None:
        while self._waiting and not self.paused and not self.closed:
            place = self.connection.get_buffer(-1)
            count = min(len(place), len(self._waiting))
            place[:count] = self._waiting[:count]
            self._waiting = self._waiting[count:]
            self.connection.buffer_updated(count)

    @property
    def told(self) -> list[Told]:
        """The answers so far, complete ones."""
        return answers(bytes(self.out), self._methods)

    @property
    def statuses(self) -> list[int]:
        return [told.status for told in self.told]

    def _see(self, exchange: Exchange, status: int, length: int) -> None:
        self._methods.append(exchange.head.method)
        self.seen.append((status, length))

    # The transport's side.

    def write(self, data: bytes) -> None:
        assert not self.ended, "written after the end"
        self.out += data

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.connection.connection_lost(None)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        self.loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def get_extra_info(self, name: str) -> None:
        return None


_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]+").fullmatch
_HEADER = re.compile(rb"([a-z0-9-]+): ([ -~]*)").fullmatch


def answers(data: bytes, methods: Sequence[bytes] = ()) -> list[Told]:
    """The whole answers in `data`, as a strict client reads them; interim ones are left out.

    `methods`: of the requests, as far as they matter. Raises `AssertionError` when it is no HTTP.
    """
    out: list[Told] = []
    at = 0
    while (end := data.find(b"\r\n\r\n", at)) >= 0:
        first, *rest = data[at:end].split(b"\r\n")
        line, fields = _STATUS(first), [_HEADER(each) for each in rest]
        assert line, first
        headers = {field[1].decode(): field[2].decode() for field in fields if field}
        assert len(headers) == len(rest), rest
        at, status = end + 4, int(line[1])
        if status < 200:
            continue
        bare = status in (204, 304) or methods[len(out) : len(out) + 1] == [b"HEAD"]
        body, at = (b"", at) if bare else _body(data, at, headers)
        if body is None:
            break
        out.append(Told(status, headers, body))
    else:
        assert b"HTTP/1.1 ".startswith(data[at : at + 9]) or data.startswith(b"HTTP/1.1 ", at)
    return out


def _body(data: bytes, at: int, headers: dict[str, str]) -> tuple[bytes | None, int]:
    if "content-length" in headers:
        stop = at + int(headers["content-length"])
        return (data[at:stop], stop) if stop <= len(data) else (None, at)
    if "transfer-encoding" not in headers:
        return data[at:], len(data)
    parts = []
    while (end := data.find(b"\r\n", at)) >= 0:
        at, size = end + 2, int(data[at:end], 16)
        parts.append(data[at : at + size])
        at += size + 2
        if not size:
            return b"".join(parts), at
    return None, at


def request(path: str = "/echo", body: bytes | None = None, *lines: str, method: str | None = None) -> bytes:
    """One request's bytes."""
    method = method or ("GET" if body is None else "POST")
    head = [f"{method} {path} HTTP/1.1", "host: a", *lines]
    if body is not None:
        head.append(f"content-length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + (body or b"")
