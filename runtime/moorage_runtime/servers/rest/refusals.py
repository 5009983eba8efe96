"""What is told of a request over HTTP that came to no door: no such path, no key, no such method, out of bounds."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault
from moorage_runtime.metrics.metrics import Metrics
from moorage_runtime.servers.http.head import Head
from moorage_runtime.tracing import Tracer


class Refusals:
    """Hears of each: its head (None: it was no HTTP), why it was refused, and when it came (monotonic seconds)."""

    def __init__(self, metrics: Metrics, tracer: Tracer | None) -> None:
        self._metrics = metrics
        self._tracer = tracer

    def __call__(self, head: Head | None, fault: RequestFault, began: float) -> None:
        """Count it, and give it its place in its client's trace."""
        self._metrics.refused(fault.status, fault.reason)
        if self._tracer is not None and head is not None:
            said = head.headers
            self._tracer.refused(
                said.get(b"traceparent"),
                said.get(b"tracestate"),
                head.method.decode("latin-1"),
                began,
                fault.status,
                fault.reason,
            )
