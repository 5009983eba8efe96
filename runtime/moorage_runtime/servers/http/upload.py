"""One body on its way to its request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage_runtime.servers.http.bodies import LARGE_BYTES, BodyReader, Large, Skipped, sized
from moorage_runtime.servers.http.chunks import Chunked
from moorage_runtime.servers.http.faults import crowded

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.exchange import Body
    from moorage_runtime.servers.http.head import Head
    from moorage_runtime.servers.http.service import Service


class Upload:
    """Counts a body's bytes among those of all connections, and has a large one read straight to its place.

    `head`: whose body it is; None when its request is answered already, and the body only has to pass.
    `until`: when it must be whole.
    """

    __slots__ = ("_counted", "_reader", "_service", "head", "until")

    def __init__(self, service: Service, head: Head | None, reader: BodyReader) -> None:
        self._service = service
        self._reader = reader
        self._counted = 0
        self.head = head
        self.until = service.clock() + service.limits.body_seconds

    @property
    def done(self) -> bool:
        """Whether the body is whole."""
        return self._reader.done

    @property
    def received(self) -> int:
        """Bytes of the body so far."""
        return self._reader.received

    def body(self) -> Body:
        """The whole body, once `done`."""
        return self._reader.body()

    def feed(self, data: bytes, at: int) -> int:
        """See `BodyReader`. Raises `RequestFault` 400, 413, or 503 when all bodies together are too much."""
        at = self._reader.feed(data, at)
        self._count()
        return at

    def fill(self, connection: Connection) -> None:
        """Have the rest read straight to its place, if it is worth it."""
        reader = self._reader
        if isinstance(reader, Large) and reader.length - reader.received >= LARGE_BYTES:
            connection.place = reader.rest()

    def filled(self, count: int) -> None:
        """That much has come to its place. Raises `RequestFault` 503."""
        if isinstance(self._reader, Large):
            self._reader.filled(count)
        self._count()

    def stop(self, connection: Connection) -> int:
        """It is whole, or nobody waits for it any more. Gives the bytes that are counted for it, for the caller."""
        connection.place = self._service.scratch
        return self._counted

    def _count(self) -> None:
        if self.head is None:
            return
        service = self._service
        service.bodies += self._reader.received - self._counted
        self._counted = self._reader.received
        if service.bodies > service.limits.bodies_bytes and not self._reader.done:
            raise crowded()


def awaited(service: Service, head: Head) -> Upload:
    """The body of a request that has a route."""
    reader = Chunked(head.route.body_limit) if head.chunked else sized(head.length or 0, head.aligned)
    return Upload(service, head, reader)


def passing(service: Service, head: Head) -> Upload:
    """The body of a request that is refused."""
    if head.chunked:
        return Upload(service, None, Chunked(service.limits.discard_bytes, keep=False))
    return Upload(service, None, Skipped(head.length or 0))
