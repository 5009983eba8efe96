"""Calls with many messages each way, answered in their order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity, status
from moorage_runtime.servers.grpc.messages import Messages, Room, Unpacked, framed, unpacking
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http2.stream import Stream

log = logging.getLogger(__name__)
# Requests of one call that are under way at once; beyond them the call is not read.
DEPTH = 64
_LATE = RequestFault(504, "DeadlineExceeded", "the call has lasted as long as its deadline says")
_CUT_OFF = "the call ends in the middle of a message"


class Part(Protocol):
    """A message that is being answered: `answer` once it is, then `conversation.go_on()`."""

    answer: bytes | None

    def leave(self) -> None:
        """Nobody waits for the answer."""


Ask = Callable[["Conversation", Stream, bytes], Part]


class Dialogue:
    """Opens a `Conversation` for each call. `limit`: most bytes of one message."""

    eager = True
    patient = True

    def __init__(self, limit: int, room: Room, ask: Ask) -> None:
        self._limit = limit
        self._room = room
        self._ask = ask

    def opened(self, stream: Stream) -> None:
        """See `Route`."""
        try:
            stream.state = Conversation(stream, self._ask, self._limit, self._room)
        except RequestFault as fault:
            stream.refuse(status.alone(fault))

    def data(self, stream: Stream, data: bytes, last: bool) -> None:
        """See `Route`."""
        if stream.state is not None:
            stream.state.hear(data, last)

    def writable(self, stream: Stream) -> None:
        """See `Route`."""
        if stream.state is not None:
            stream.state.go_on()

    def gone(self, stream: Stream) -> None:
        """See `Route`."""
        if stream.state is not None:
            stream.state.leave()

    def dismiss(self, stream: Stream, fault: RequestFault) -> None:
        """See `Route`."""
        if stream.state is not None:
            stream.state.end(fault)


class Conversation:
    """One call. Raises `RequestFault` 400 when its head makes no sense."""

    __slots__ = (
        "_ask",
        "_begun",
        "_busy",
        "_fault",
        "_limit",
        "_messages",
        "_next",
        "_parts",
        "_room",
        "_stream",
        "_timer",
        "_unpacked",
        "_whole",
        "request_id",
    )

    def __init__(self, stream: Stream, ask: Ask, limit: int, room: Room) -> None:
        facts = identity.facts(stream.head)
        self._stream = stream
        self._ask = ask
        self._limit = limit
        self._room = room
        self._messages = Messages(limit, room)
        self._parts: deque[Part] = deque()
        self._unpacked: Unpacked | None = None
        self._next: tuple[bool, bytes] | None = None
        self._fault: RequestFault | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._whole = False
        self._begun = False
        self._busy = False
        self.request_id = facts.new_id()
        if facts.seconds != float("inf"):
            self._timer = asyncio.get_running_loop().call_later(facts.seconds, self._expire)

    def hear(self, data: bytes, last: bool) -> None:
        """Some of the body has come."""
        self._whole = self._whole or last
        try:
            if self._fault is None:
                self._messages.feed(data)
        except RequestFault as fault:
            self._fault = fault
        self.go_on()

    def go_on(self) -> None:
        """Say what can be said, and read what can be read: the client has sent, or has taken, or a part is answered."""
        if self._busy or self._stream.finished:
            return
        self._busy = True
        try:
            for _ in range(DEPTH):
                self._say()
                if not self._read():
                    break
            else:
                asyncio.get_running_loop().call_soon(self.go_on)
        except RequestFault as fault:
            self._fault = self._fault or fault
        except Exception:
            log.exception("request failed")
            self._fault = self._fault or internal()
        self._busy = False
        self._say()
        self._settle()

    def end(self, fault: RequestFault) -> None:
        """Read no more; when all is answered that was read, end with this."""
        self._fault = self._fault or fault
        self.go_on()

    def leave(self) -> None:
        """The client is gone."""
        parts, self._parts = self._parts, deque()
        for part in parts:
            part.leave()
        self._close()

    def _say(self) -> None:
        parts, stream = self._parts, self._stream
        while parts and (answer := parts[0].answer) is not None:
            parts.popleft()
            if not self._begun:
                self._begun = True
                stream.begin(status.OPENING)
            stream.send(framed(answer))

    def _read(self) -> bool:
        """Begin to answer one message, if there is one, and the client keeps up."""
        if self._fault is not None or self._unpacked is not None or self._full:
            return False
        found = self._next or self._messages.next()
        if found is None:
            return False
        self._next = None
        compressed, message = found
        if compressed:
            coding = identity.facts(self._stream.head).coding
            self._unpacked = Unpacked(
                unpacking(message, coding, self._limit), self._room, self._unpacked_one, self._corrupt
            )
        else:
            self._parts.append(self._ask(self, self._stream, message))
        return True

    @property
    def _full(self) -> bool:
        return len(self._parts) >= DEPTH or self._stream.pending is not None

    def _unpacked_one(self, message: bytes) -> None:
        self._unpacked = None
        self._next = False, message
        self.go_on()

    def _corrupt(self, fault: RequestFault) -> None:
        self._unpacked = None
        self.end(fault)

    def _settle(self) -> None:
        """Keep the client from sending what cannot be read, and end when everything is said."""
        stream = self._stream
        if self._full:
            stream.pause()
        else:
            stream.resume()
        if self._parts or self._unpacked is not None or (self._next is not None and self._fault is None):
            return
        if self._fault is not None:
            self._finish(status.trailers(self._fault, identity.named(self.request_id)))
        elif self._whole and not self._full:
            self._finish_whole()

    def _finish_whole(self) -> None:
        if self._timer is not None and asyncio.get_running_loop().time() >= self._timer.when():
            self.end(_LATE)
        elif not self._messages.size:
            self._finish(status.GOOD + identity.named(self.request_id))
        elif not self._messages.ready:
            self.end(RequestFault(400, "InvalidRequest", _CUT_OFF))

    def _finish(self, trailers: bytes) -> None:
        self._close()
        if self._begun:
            self._stream.finish(trailers)
        else:
            self._stream.refuse(status.OPENING + trailers)

    def _expire(self) -> None:
        self.leave()
        self._fault = _LATE
        self._settle()

    def _close(self) -> None:
        self._messages.close()
        if self._unpacked is not None:
            self._unpacked.leave()
            self._unpacked = None
        if self._timer is not None:
            self._timer.cancel()
