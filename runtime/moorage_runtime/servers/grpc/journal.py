"""What the access log is told of inferences over gRPC."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from moorage_runtime.accesslog import AccessLog, Entry
from moorage_runtime.servers.described import describe

if TYPE_CHECKING:
    from moorage_runtime.servers.grpc.call import GrpcCall

_SERVICE = "/inference.GRPCInferenceService/"
_GOOD = 200


class Journal:
    """Writes the line of a request that has one; its status is the HTTP status that would say the same."""

    def __init__(self, log: AccessLog) -> None:
        self._log = log

    def tell(self, call: GrpcCall, status: int) -> None:
        """A call ended."""
        if not self._log.takes(call.request_id):
            return
        entry = Entry(
            method="POST",
            path=_SERVICE + call.method,
            status=status,
            ms=round((time.monotonic() - call.began) * 1000, 3),
            bytes_in=call.size,
            bytes_out=call.sent if status == _GOOD else 0,
            request_id=call.request_id.decode("latin-1"),
            door="grpc",
        )
        if status == _GOOD and call.exchange is None:
            describe(entry, call)
        self._log.tell(entry)
