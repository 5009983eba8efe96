"""Calls with one message each way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from mypy_extensions import mypyc_attr

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity, status
from moorage_runtime.servers.grpc.messages import PREFIX_BYTES, Messages, Room, Unpacked, framed, unpacking
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http2.stream import Stream

log = logging.getLogger(__name__)
_NOT_ONE = "the call holds no whole message, or more than one"


class Pending(Protocol):
    """What a call's stream holds until its answer."""

    def leave(self) -> None:
        """Nobody waits for the answer."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Unary:
    """Brings the one message of a call together; `ask` answers it. `limit`: its most bytes."""

    eager = False
    patient = False

    def __init__(self, limit: int, room: Room) -> None:
        self._limit = limit
        self._room = room

    def ask(self, stream: Stream, message: bytes) -> None:
        """Answer, now or later. A `RequestFault` that it raises is the answer too."""
        raise NotImplementedError

    def unreadable(self, stream: Stream, fault: RequestFault) -> None:
        """For who counts: the message could not be had."""

    def opened(self, stream: Stream) -> None:
        """Before there is a message there is nothing to say."""

    def data(self, stream: Stream, data: bytes, last: bool) -> None:
        """See `Route`."""
        try:
            if last and stream.state is None and data[:1] == b"\x00" and _stop(data) == len(data):
                self.ask(stream, data[PREFIX_BYTES:])
            else:
                self._part(stream, data, last)
        except Exception as error:
            self._fail(stream, _fault(error))

    def writable(self, stream: Stream) -> None:
        """The answer has left."""

    def gone(self, stream: Stream) -> None:
        """See `Route`."""
        pending: Pending | None = stream.state
        if pending is not None:
            stream.state = None
            pending.leave()

    def dismiss(self, stream: Stream, fault: RequestFault) -> None:
        """See `Route`."""
        self._fail(stream, fault)

    def _part(self, stream: Stream, data: bytes, last: bool) -> None:
        single = stream.state
        if single is None:
            single = stream.state = _Single(self._limit, self._room)
        single.messages.feed(data)
        if not last:
            return
        found = single.messages.next()
        if found is None or single.messages.size:
            raise RequestFault(400, "InvalidRequest", _NOT_ONE)
        compressed, message = found
        if compressed:
            coding = identity.facts(stream.head).coding
            single.unpacked = Unpacked(
                unpacking(message, coding, self._limit),
                self._room,
                lambda whole: self._whole(stream, whole),
                lambda fault: self._fail(stream, fault),
            )
        else:
            self._whole(stream, message)

    def _whole(self, stream: Stream, message: bytes) -> None:
        self.gone(stream)
        try:
            self.ask(stream, message)
        except Exception as error:
            self._fail(stream, _fault(error))

    def _fail(self, stream: Stream, fault: RequestFault) -> None:
        if isinstance(stream.state, _Single) or stream.state is None:
            self.unreadable(stream, fault)
        self.gone(stream)
        stream.refuse(status.alone(fault))


class _Single:
    """A message on its way."""

    __slots__ = ("messages", "unpacked")

    def __init__(self, limit: int, room: Room) -> None:
        self.messages = Messages(limit, room)
        self.unpacked: Unpacked | None = None

    def leave(self) -> None:
        """Nothing of it is wanted any more."""
        self.messages.close()
        if self.unpacked is not None:
            self.unpacked.leave()


class Simple(Unary):
    """Answers at once: `answer` gives the message, and a block of metadata that goes with it."""

    def __init__(self, limit: int, room: Room, answer: Callable[[bytes], tuple[bytes, bytes]]) -> None:
        super().__init__(limit, room)
        self._answer = answer

    def ask(self, stream: Stream, message: bytes) -> None:
        """See `Unary`."""
        answer, told = self._answer(message)
        stream.answer(status.OPENING, framed(answer), status.GOOD + told)


def _stop(data: bytes) -> int:
    return PREFIX_BYTES + int.from_bytes(data[1:PREFIX_BYTES], "big") if len(data) >= PREFIX_BYTES else -1


def _fault(error: Exception) -> RequestFault:
    if isinstance(error, RequestFault):
        return error
    log.error("request failed", exc_info=error)
    return internal()
