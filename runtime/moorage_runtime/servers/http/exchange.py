"""One request and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.answers import JSON, Answer, lines
from moorage_runtime.servers.http.stream import Stream

if TYPE_CHECKING:
    from moorage_runtime.servers.http.head import Head
    from moorage_runtime.servers.http.outbox import Outbox

Body = bytes | bytearray | memoryview


class Exchange:
    """One whole request, to be answered exactly once, in the loop's thread.

    `body`: decompressed. `began`: when the request was whole (monotonic seconds). `gone`: the client left before its
    answer; `on_gone` is called then, and answers are dropped. `weight`: bytes that count among all bodies'.
    """

    __slots__ = ("_outbox", "began", "body", "gone", "head", "held", "on_gone", "request_id", "weight")

    def __init__(self, outbox: Outbox, head: Head, body: Body, request_id: bytes, began: float) -> None:
        self._outbox: Outbox | None = outbox
        self.head = head
        self.body = body
        self.request_id = request_id
        self.began = began
        self.gone = False
        self.weight = 0
        self.on_gone: Callable[[], None] | None = None
        self.held: Answer | Stream | None = None

    def answer(
        self, status: int, body: bytes, content_type: bytes = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
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
