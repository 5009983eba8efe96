"""One request and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from moorage_runtime.servers.http.answers import JSON, Answer, Content, lines, spoken_by
from moorage_runtime.servers.http.stream import Stream

if TYPE_CHECKING:
    from moorage_runtime.servers.http.head import Head
Body = bytes | bytearray | memoryview
Heard = Callable[[Answer], None]


class Taker(Protocol):
    """Who takes the answer of an exchange, in the way that a connection's outbox does."""

    def answer(self, exchange: Exchange, answer: Answer, /) -> None:
        """A whole answer is there."""

    def stream(self, exchange: Exchange, opening: Answer, /) -> Stream:
        """An answer in parts begins."""


class _Tapped:
    """Passes an answer on, and then tells of it."""

    __slots__ = ("_heard", "_taker")

    def __init__(self, taker: Taker, heard: Heard) -> None:
        self._taker = taker
        self._heard = heard

    def answer(self, exchange: Exchange, answer: Answer) -> None:
        self._taker.answer(exchange, answer)
        self._heard(answer)

    def stream(self, exchange: Exchange, opening: Answer) -> Stream:
        return self._taker.stream(exchange, opening)


class _Signed:
    """Passes an answer on with further header lines."""

    __slots__ = ("_lines", "_taker")

    def __init__(self, taker: Taker, lines: bytes) -> None:
        self._taker = taker
        self._lines = lines

    def answer(self, exchange: Exchange, answer: Answer) -> None:
        status, content, content_type, extra = answer
        self._taker.answer(exchange, (status, content, content_type, self._lines + extra))

    def stream(self, exchange: Exchange, opening: Answer) -> Stream:
        status, content, content_type, extra = opening
        return self._taker.stream(exchange, (status, content, content_type, self._lines + extra))


class Exchange:
    """One whole request, to be answered exactly once, in the loop's thread.

    `body`: decompressed. `began`: when the request was whole (monotonic seconds). `gone`: the client left before its
    answer; `on_gone` is called then, and answers are dropped. `weight`: bytes that count among all bodies'.
    """

    __slots__ = ("_outbox", "began", "body", "gone", "head", "held", "on_gone", "request_id", "weight")

    def __init__(self, outbox: Taker, head: Head, body: Body, request_id: bytes, began: float) -> None:
        self._outbox: Taker | None = outbox
        self.head = head
        self.body = body
        self.request_id = request_id
        self.began = began
        self.gone = False
        self.weight = 0
        self.on_gone: Callable[[], None] | None = None
        self.held: Answer | Stream | None = None

    def answer(
        self, status: int, body: Content, content_type: bytes = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Give the whole answer. Pipelined answers leave in the order of their requests.

        Raises `RuntimeError` when it was answered before.
        """
        outbox = self._outbox
        if outbox is not None:
            self._outbox = None
            outbox.answer(self, (status, body, content_type, lines(headers) if headers else b""))
        elif not self.gone:
            raise RuntimeError("answered twice")

    def relay(
        self, status: int, body: bytes, content_type: bytes, identity: bytes, headers: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Give the whole answer of another server; `identity`: header lines, each ended, that stand for our own."""
        self.answer(status, body, spoken_by(content_type, identity), headers)

    def tap(self, heard: Heard) -> None:
        """Have `heard` called when a whole answer was given; not when the client leaves before."""
        if self._outbox is not None:
            self._outbox = _Tapped(self._outbox, heard)

    def sign(self, lines: bytes) -> None:
        """Have its answer, whatever it is, carry these header lines too, each ended."""
        if self._outbox is not None:
            self._outbox = _Signed(self._outbox, lines)

    def stream(self, status: int, content_type: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> Stream:
        """Begin an answer in parts. Raises `RuntimeError` when it was answered before."""
        outbox = self._outbox
        self._outbox = None
        opening = (status, b"", content_type, lines(headers))
        if outbox is not None:
            return outbox.stream(self, opening)
        if not self.gone:
            raise RuntimeError("answered twice")
        return Stream(None, self, opening)

    def give(self, answer: Answer) -> bool:
        """Give an answer that is composed already, unless there is one; whether it was given."""
        outbox = self._outbox
        if outbox is None:
            return False
        self._outbox = None
        outbox.answer(self, answer)
        return True

    def leave(self) -> None:
        """The client is gone."""
        self.gone = True
        self._outbox = None
        if self.on_gone is not None and not isinstance(self.held, tuple):
            self.on_gone()
