"""Reading a large body straight to its place, without a copy in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_runtime.servers.http.bodies import Large
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.upload import Upload


class Filling(asyncio.BufferedProtocol):
    """Stands in for a connection while it reads one body; everything but its bytes is passed on."""

    def __init__(self, connection: Connection, upload: Upload, body: Large) -> None:
        self._body = body
        self._upload = upload
        self._connection = connection

    def get_buffer(self, _sizehint: int) -> memoryview:
        """The place for what comes next."""
        return self._body.rest()

    def buffer_updated(self, nbytes: int) -> None:
        """That much came."""
        self._body.filled(nbytes)
        self._connection.filled(self._upload)

    def eof_received(self) -> bool:
        """See `Connection`."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `Connection`."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """See `Connection`."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """See `Connection`."""
        self._connection.resume_writing()
