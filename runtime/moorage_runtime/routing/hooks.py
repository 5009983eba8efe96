"""Records that pass between who splits the traffic and who compares answers. Bytes as on the wire of HTTP/1.1.

Who splits hands over every request that two revisions could answer, after its answer has left: `Watcher.forwarded` for
those that another revision answered well, `Watcher.own` for those of the pod's own that were drawn for a copy. The
watcher decides what it does with them, and when; it asks again through `Ask`. Everything happens in the loop's thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from moorage_runtime.config import Compare


class Question(msgspec.Struct, frozen=True, eq=False):
    """One request. `path`: raw, with its query. `headers`: lower-case names, repeated ones joined; none about the
    connection or the body's length. `body`: decompressed. `door`: v2, v1, features or grpc. `seconds`: its client's
    patience.
    """

    door: str
    method: bytes
    path: bytes
    headers: Mapping[bytes, bytes]
    body: bytes | bytearray | memoryview
    request_id: bytes
    seconds: float


class Reply(msgspec.Struct, frozen=True, eq=False):
    """One answer. `seconds`: from the whole request to the whole answer, as its asker saw it."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    seconds: float

    @property
    def content_type(self) -> bytes:
        """Of the body."""
        return self.headers.get(b"content-type", b"")


Ask = Callable[[Question], Awaitable[Reply | None]]
"""Asks a model again, counted apart from what users asked; None when there is no answer at all. Never raises, but for
being cancelled.
"""


class Watcher(Protocol):
    """Hears of answers. Must return at once, and never raises."""

    def table(self, compare: Compare | None) -> None:
        """Another table is in force; what it says of comparing."""

    def forwarded(self, revision: str, question: Question, reply: Reply) -> None:
        """`revision` answered with 2xx, and its client has the answer."""

    def own(self, revision: str, question: Question, reply: Reply) -> None:
        """The pod's own model answered with 2xx, and `revision` should get a copy."""
