"""What the access log is told of inferences over gRPC."""

from __future__ import annotations

import time

from moorage_runtime.accesslog import AccessLog, Entry
from moorage_runtime.servers.described import describe
from moorage_runtime.servers.grpc.waiting import Waiting

_SERVICE = "/inference.GRPCInferenceService/"
CANCELLED = 499


class Journal:
    """Writes the line of a request that has one; its status is the HTTP status that would say the same."""

    def __init__(self, log: AccessLog) -> None:
        self._log = log

    def tell(self, method: str, request_id: str, size: int, began: float, status: int, call: Waiting | None) -> None:
        """`size`: bytes of the message. `status`: of the refusal, unless there is an answered `call`."""
        if not self._log.takes(request_id.encode()):
            return
        entry = Entry(
            method="POST",
            path=_SERVICE + method,
            status=status if call is None else 200,
            ms=round((time.monotonic() - began) * 1000, 3),
            bytes_in=size,
            bytes_out=call.sent if call is not None else 0,
            request_id=request_id,
            door="grpc",
        )
        if call is not None:
            describe(entry, call)
        self._log.tell(entry)
