"""The headers of every answer: which version and revision gave it.

A port that serves one model says it of all its answers. Where there are several, each door is `Signing`, and its routes
to a version say it of theirs.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable
from urllib.parse import quote

from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.answers import lines
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest.door import Door, Methods

_SAFE = "!#$&'()*+,/:;=?@[]~ -._"


def headers(version: str, revision: str) -> list[tuple[bytes, bytes]]:
    """`x-model-version` and `x-model-revision`, percent-encoded where a header needs it."""
    return [
        (b"x-model-version", quote(version, safe=_SAFE).encode()),
        (b"x-model-revision", quote(revision, safe=_SAFE).encode()),
    ]


@runtime_checkable
class ToVersion(Route, Protocol):
    """A route to one version of a model."""

    served: Served

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault`."""


class Signing:
    """A door whose answers from a version say which."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def match(self, parts: list[str]) -> Methods | None:
        """The door's own routes, those to a version signed."""
        methods = self._door.match(parts)
        if methods is None:
            return None
        return {name: _Signed(route) if isinstance(route, ToVersion) else route for name, route in methods.items()}


class _Signed:
    needs_body = True

    def __init__(self, route: ToVersion) -> None:
        self._route = route
        self.served = route.served
        self._lines = lines(headers(route.served.version, route.served.revision))
        self.body_limit = route.body_limit
        self.accept = route.accept

    def __call__(self, exchange: Exchange) -> None:
        exchange.sign(self._lines)
        self._route(exchange)
