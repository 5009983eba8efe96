"""What the access log is told of an answer that left over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from moorage_runtime.accesslog import AccessLog, Entry
from moorage_runtime.dataplane.call import Call
from moorage_runtime.servers.described import describe
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.faults import Refused
from moorage_runtime.servers.split.crossing import Crossing
from moorage_runtime.tracing import parse, route_of


class Observer:
    """Hears of every answer: the exchange, its status and the length of its body."""

    def __init__(self, log: AccessLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock

    def __call__(self, exchange: Exchange, status: int, length: int) -> None:
        """Write the line of a request that has one."""
        if not self._log.takes(exchange.request_id):
            return
        head = exchange.head
        entry = Entry(
            method=head.method.decode("latin-1"),
            path=head.path.decode("latin-1"),
            status=status,
            ms=round((self._clock() - exchange.began) * 1000, 3),
            bytes_in=len(exchange.body),
            bytes_out=length,
            request_id=exchange.request_id.decode("latin-1"),
        )
        # Whoever wants to hear that the client left is who answers it.
        answering = getattr(exchange.on_gone, "__self__", None)
        if isinstance(answering, Call):
            describe(entry, answering)
            entry.path = route_of(answering.door) or entry.path
        elif isinstance(answering, Crossing):
            answering.describe(entry)
        elif isinstance(answering, Refused):
            entry.model, entry.version, entry.door = answering.model, answering.version, answering.door
            entry.path = route_of(answering.door) or entry.path
        if not entry.trace_id:
            parent = parse(head.headers.get(b"traceparent"))
            entry.trace_id = parent.trace_id if parent else ""
        self._log.tell(entry)
