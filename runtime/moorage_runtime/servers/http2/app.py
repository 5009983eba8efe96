"""What the transport asks of an application, and how an application's routes look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from moorage_runtime.errors import RequestFault
    from moorage_runtime.servers.http2.head import Head
    from moorage_runtime.servers.http2.stream import Stream


class Route(Protocol):
    """Answers the requests of one head, in the loop's thread; keeps what it has to in `stream.state`.

    `eager`: it is told of a request at its head, before anything of a body; it may answer then. `patient`: its
    requests may stay without an end for as long as they like. An exception that it raises ends the stream.
    """

    @property
    def eager(self) -> bool:
        """Whether `opened` is called."""

    @property
    def patient(self) -> bool:
        """Whether a request may stay open."""

    def opened(self, stream: Stream, /) -> None:
        """A request began."""

    def data(self, stream: Stream, data: bytes, last: bool, /) -> None:
        """Bytes of its body; `last`: no more come (and these may be none). Not called after the answer's end."""

    def writable(self, stream: Stream, /) -> None:
        """The client has taken all that was sent in parts."""

    def gone(self, stream: Stream, /) -> None:
        """The client gave the request up, or is gone, before the answer's end."""

    def dismiss(self, stream: Stream, fault: RequestFault, /) -> None:
        """Nobody waits for the rest of the request, or of its answer: answer it. May be called again until it ends."""


class App(Protocol):
    """Finds routes. Raises nothing."""

    @property
    def epoch(self) -> int:
        """Grows when a head may lead elsewhere than before: remembered routes are forgotten."""

    def route(self, head: Head) -> Route:
        """The route of a head; asked once for heads that differ only in what names one request."""

    def oversized(self, head: Head) -> Route:
        """The route of a head that is larger than what was allowed."""
