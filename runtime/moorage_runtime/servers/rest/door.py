"""What every HTTP door is: some paths, and for each of them a route per method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import media

Methods = Mapping[bytes, Route]


class Door(Protocol):
    """One protocol's paths."""

    def match(self, parts: list[str]) -> Methods | None:
        """The routes of a path, given as its decoded segments; None when the path is another door's.

        Raises `RequestFault` 404 or 503 for a model that is not there.
        """
        ...


class Reading:
    """A route that needs no body and answers with one type of content; who inherits it says which."""

    body_limit = 64 << 10
    needs_body = False

    def __init__(self, content_type: bytes) -> None:
        self._content_type = content_type

    def accept(self, head: Head) -> None:
        """Look at a head before it is answered. Raises `RequestFault` 406."""
        media.acceptable(head, self._content_type.partition(b";")[0])


class Document(Reading):
    """`make` gives status and content, and may raise `RequestFault`."""

    def __init__(self, make: Callable[[], tuple[int, bytes]], content_type: bytes = b"application/json") -> None:
        super().__init__(content_type)
        self._make = make

    def __call__(self, exchange: Exchange) -> None:
        """Answer with the document as it is now."""
        status, content = self._make()
        exchange.answer(status, content, self._content_type)


def reading(make: Callable[[], tuple[int, bytes]], content_type: bytes = b"application/json") -> Methods:
    """The routes of a document that is only read."""
    return {b"GET": Document(make, content_type)}
