"""What the transport asks of an application, and how an application's routes look."""

from __future__ import annotations

from typing import Protocol

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head


class Route(Protocol):
    """Answers the requests of one path: `exchange.answer` or `exchange.stream`, now or later in the loop's thread.

    `body_limit`: bytes of a body, after decompression; refused in front of reading. `needs_body`: a request without
    Content-Length and without chunks is 411.
    """

    @property
    def body_limit(self) -> int:
        """Most bytes of one body."""

    @property
    def needs_body(self) -> bool:
        """Whether a request without any body is refused."""

    def __call__(self, exchange: Exchange, /) -> None:
        """Take one whole request. A `RequestFault` raised here is its answer, any other exception a 500."""


class App(Protocol):
    """Finds routes and words errors."""

    @property
    def epoch(self) -> int:
        """Grows when a head may lead elsewhere than before: remembered routes are forgotten."""

    def route(self, head: Head) -> Route:
        """The route of a head, before its body is read; asked once for equal heads of one epoch.

        Raises `RequestFault` 401, 404, 405, 415 and so on.
        """

    def error(self, head: Head | None, fault: RequestFault, request_id: bytes) -> bytes:
        """The JSON document of a refusal. `head` is None when what came was no HTTP."""
