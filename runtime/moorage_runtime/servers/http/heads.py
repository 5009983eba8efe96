"""Heads that came before, with where they lead: clients repeat theirs to the byte, and reading one costs."""

from __future__ import annotations

import logging
import re

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.faults import internal, too_large
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.parse import parse

log = logging.getLogger(__name__)

CODINGS = (b"gzip", b"x-gzip", b"deflate")
# Lines that name one request: whole ones, of plain characters only. Heads that differ in nothing else are one head.
_PASSING = re.compile(
    rb"\n(?=[tbuxTBUX])"
    rb"(traceparent|tracestate|baggage|b3|x-b3-(?:traceid|spanid|parentspanid|sampled)|uber-trace-id|x-request-id"
    rb"|x-correlation-id|x-amzn-trace-id|x-cloud-trace-context|x-forwarded-for|x-real-ip)"
    rb": ?([ -~]*+)\r(?=\n)",
    re.IGNORECASE,
).split
_MANY = 3 * 16
_ACCEPTED = ((b"accept-encoding", b"gzip, deflate"),)


class Refusal:
    """Where a head leads that the application, or the transport, refuses."""

    body_limit = 0
    needs_body = False

    def __init__(self, fault: RequestFault) -> None:
        self.fault = fault

    def __call__(self, _exchange: Exchange, /) -> None:
        """Refuse."""
        raise self.fault


class Heads:
    """Finds a head by its bytes, or by its bytes without the lines that differ from request to request.

    What was refused is not remembered; a new epoch of the application forgets all.
    """

    __slots__ = ("_app", "_epoch", "_known", "_limits")

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._epoch = -1
        self._known: dict[bytes, Head] = {}

    def find(self, raw: bytes) -> Head | None:
        """The head in `raw`, with its route, which is a `Refusal` when there is none.

        None for empty lines, which may stand between requests. Raises as `parse` does.
        """
        epoch = self._app.epoch
        if self._epoch != epoch:
            self._epoch = epoch
            self._known.clear()
        head = self._known.get(raw)
        if head is not None:
            return head
        if len(raw) > self._limits.remembered_bytes:
            return self._learn(raw)
        parts = _PASSING(raw)
        if not 1 < len(parts) < _MANY:
            return self._learn(raw)
        lasting = b"".join(parts[::3])
        head = self._known.get(lasting) or self._learn(lasting)
        return head and head.variant(parts[1::3], parts[2::3])

    def _learn(self, raw: bytes) -> Head | None:
        lines = raw
        while lines.startswith(b"\r\n"):
            lines = lines[2:]
        if not lines:
            return None
        head = parse(lines, self._limits)
        fault = self._lead(head) or _refused(head)
        if fault is not None:
            head.route = Refusal(fault)
            return head
        head.simple = not (head.chunked or head.expects or head.coding) and head.keep_alive
        if len(raw) <= self._limits.remembered_bytes:
            if len(self._known) >= self._limits.remembered:
                self._known.clear()
            self._known[raw] = head
        return head

    def _lead(self, head: Head) -> RequestFault | None:
        try:
            head.route = self._app.route(head)
        except RequestFault as fault:
            return fault
        except Exception:
            log.exception("no route for a request")
            return internal()
        return None


def _refused(head: Head) -> RequestFault | None:
    """Why a head with a route is refused before its body."""
    if head.length is None and not head.chunked and head.route.needs_body:
        return RequestFault(411, "LengthRequired", "send the body with a Content-Length, or chunked")
    if head.length is not None and head.length > head.route.body_limit:
        return too_large(head.route.body_limit)
    if head.coding is not None and head.coding not in CODINGS:
        return RequestFault(415, "CodingUnsupported", "the body may be sent as it is, or gzip, or deflate", _ACCEPTED)
    if head.expects and head.headers[b"expect"].lower() != b"100-continue":
        return RequestFault(417, "ExpectationFailed", "the only expectation that is met is 100-continue")
    return None
