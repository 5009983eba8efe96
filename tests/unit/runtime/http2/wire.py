"""A connection without a socket: frames in, frames out, and time by hand. The judge of headers is the package hpack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import hpack as judge

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2 import frames, hpack
from moorage_runtime.servers.http2.app import Route
from moorage_runtime.servers.http2.connection import Connection
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
)
from moorage_runtime.servers.http2.head import Head
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.http2.patience import TICK_SECONDS
from moorage_runtime.servers.http2.service import Service
from moorage_runtime.servers.http2.stream import Stream

GOOD = hpack.write(((b":status", b"200"),))
DONE = hpack.write(((b"x-end", b"1"),))
START = PREFACE + frame(SETTINGS)


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    content: bytes


class Echo:
    """Answers with what came, when it is whole; `/later` is answered by the test, `/talk` at once and for ever."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.eager = path in (b"/talk", b"/refuse", b"/fail")
        self.patient = path == b"/talk"
        self.heard: list[str] = []
        self.streams: list[Stream] = []

    def opened(self, stream: Stream) -> None:
        self.streams.append(stream)
        if self.path == b"/fail":
            raise ValueError("a secret of the inside")
        if self.path == b"/refuse":
            stream.refuse(hpack.write(((b":status", b"404"),)))
        else:
            stream.begin(GOOD)

    def data(self, stream: Stream, data: bytes, last: bool) -> None:
        if self.path == b"/talk":
            stream.send(data)
            if last:
                stream.finish(DONE)
            return
        stream.state = (stream.state or b"") + data
        if last and self.path == b"/later":
            self.streams.append(stream)
        elif last:
            stream.answer(GOOD, stream.state, DONE)

    def writable(self, stream: Stream) -> None:
        self.heard.append("writable")

    def gone(self, stream: Stream) -> None:
        self.heard.append("gone")

    def dismiss(self, stream: Stream, fault: RequestFault) -> None:
        stream.refuse(hpack.write(((b":status", b"%d" % fault.status),)))


class Shop:
    def __init__(self) -> None:
        self.epoch = 0
        self.asked: list[Head] = []
        self.routes: dict[bytes, Echo] = {}

    def route(self, head: Head) -> Route:
        self.asked.append(head)
        return self[head.path]

    def oversized(self, head: Head) -> Route:
        return self[b"/refuse"]

    def __getitem__(self, path: bytes) -> Echo:
        return self.routes.setdefault(path, Echo(path))


class Pipe:
    """A transport. `full`: bytes after which it says that nobody reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.out = bytearray()
        self.writes = 0
        self.full = 1 << 60
        self.eof = self.closed = self.aborted = self.paused = False
        self.stuck = 0

    def write(self, data: bytes) -> None:
        assert not self.eof, "written after the end"
        self.writes += 1
        self.out += data
        if len(self.out) >= self.full:
            self.full = 1 << 60
            self.stuck = len(self.out)
            self._connection.pause_writing()

    def write_eof(self) -> None:
        self.eof = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = self.closed = True
            self._connection.connection_lost(None)

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def get_extra_info(self, _name: str) -> None:
        return None


class Loop:
    def __init__(self) -> None:
        self.soon: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def call_soon(self, call: Callable[..., None], *arguments: Any) -> None:
        self.soon.append((call, arguments))

    def run(self) -> None:
        while self.soon:
            call, arguments = self.soon.pop(0)
            call(*arguments)


class Wire:
    """A client of one connection, and the server behind it."""

    def __init__(self, limits: Limits | None = None, *, greeted: bool = True) -> None:
        self.now = 1000.0
        self.shop = Shop()
        self.leaving = False
        self.service = Service(self.shop, limits or Limits(), lambda: self.now, lambda: self.leaving)
        self.loop = Loop()
        self.service.loop = cast(asyncio.AbstractEventLoop, self.loop)
        self.connection = Connection(self.service)
        self.pipe = Pipe(self.connection)
        self.encoder = judge.Encoder()
        self.decoder = judge.Decoder()
        self.connection.connection_made(cast(asyncio.Transport, self.pipe))
        if greeted:
            self.send(START)
            self.frames()

    def send(self, *parts: bytes) -> Wire:
        for part in parts:
            if not self.pipe.closed:
                self.connection.data_received(part)
            self.loop.run()
        return self

    def head(self, path: str = "/echo", *fields: tuple[str, str], method: str = "POST") -> bytes:
        """A block of headers, by a judge's encoder."""
        named = [(":method", method), (":scheme", "http"), (":path", path), *fields]
        block: bytes = self.encoder.encode(named)
        return block

    def request(self, number: int, body: bytes = b"", path: str = "/echo", *fields: tuple[str, str]) -> bytes:
        """A whole request."""
        if not body:
            return frame(HEADERS, END_HEADERS | END_STREAM, number, self.head(path, *fields))
        return frame(HEADERS, END_HEADERS, number, self.head(path, *fields)) + frame(DATA, END_STREAM, number, body)

    def frames(self) -> list[Frame]:
        """What the server has said since the last time."""
        found, at, out = [], 0, bytes(self.pipe.out)
        while at < len(out):
            word, flags, number = frames.read_head(out, at)
            stop = at + 9 + (word >> 8)
            assert stop <= len(out)
            found.append(Frame(word & 0xFF, flags, number, out[at + 9 : stop]))
            at = stop
        self.pipe.out.clear()
        return found

    def headers(self, content: bytes) -> dict[str, str]:
        return {str(name): str(value) for name, value in self.decoder.decode(content)}

    def answers(self) -> dict[int, tuple[str, bytes, bool]]:
        """By stream: status, body, whether it has ended well."""
        found: dict[int, tuple[str, bytes, bool]] = {}
        for each in self.frames():
            status, body, ended = found.get(each.stream, ("", b"", False))
            if each.kind == HEADERS:
                status = status or self.headers(each.content)[":status"]
            elif each.kind == DATA:
                body += each.content
            else:
                continue
            assert not ended
            found[each.stream] = status, body, bool(each.flags & END_STREAM)
        return found

    def codes(self) -> list[tuple[int, Code]]:
        """The streams that were reset, and 0 for the connection, with why."""
        found = []
        for each in self.frames():
            if each.kind == RST_STREAM:
                found.append((each.stream, Code(int.from_bytes(each.content, "big"))))
            elif each.kind == GOAWAY:
                found.append((0, Code(int.from_bytes(each.content[4:8], "big"))))
        return found

    def pass_time(self, seconds: float) -> Wire:
        end = self.now + seconds
        while self.now < end and not self.pipe.closed:
            self.now += TICK_SECONDS
            self.connection.patience.look(self.now)
            self.loop.run()
        return self

    def ack(self) -> bytes:
        """The answer to the ping that goes with a request to leave."""
        (asked,) = (each for each in self.frames() if each.kind == PING and not each.flags & ACK)
        return frame(PING, ACK, content=asked.content)
