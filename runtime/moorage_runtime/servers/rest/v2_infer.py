"""Inference requests in the Open Inference Protocol V2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import media
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.servers.rest.terms import BINARY_HEADER, Terms
from moorage_runtime.tensors import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

DOOR = "v2"
_MICROSECOND = 1e-6
# An answer as this cache made it, in a header; most answers have none.
_STATES: dict[str | None, Sequence[tuple[bytes, bytes]]] = {
    None: (),
    **{state: ((b"x-cache", state.encode()),) for state in ("HIT", "MISS", "COALESCED", "BYPASS")},
}


class V2Infer:
    """Answers the inference requests for one version of a model."""

    needs_body = True

    def __init__(self, plane: DataPlane, served: Served) -> None:
        engine, limits = served.engine, plane.config.limits
        self.plane = plane
        self.served = served
        self.reader = Reader(engine.inputs, engine.outputs, limits)
        self.writer = Writer(served.name, served.version)
        self.body_limit = limits.body_bytes
        self._timeout = plane.config.timeout_seconds

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 400, 406 or 415."""
        head.facts = Terms(head, self._timeout, streams=False)

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        terms = exchange.head.facts
        assert isinstance(terms, Terms)  # noqa: S101 - `accept` saw this head
        try:
            request = self.reader.read(exchange.body, terms.json_length)
        except RequestFault as fault:
            self.plane.count(fault, exchange.began, DOOR)
            refuse(exchange, fault)
            return
        self.plane.submit(self.served, _V2Call(self.writer, exchange, request, terms), DOOR)


class _V2Call(Call):
    __slots__ = ("_exchange", "_request", "_writer")

    def __init__(self, writer: Writer, exchange: Exchange, request: InferRequest, terms: Terms) -> None:
        super().__init__(request.inputs, request.outputs, exchange.began, exchange.began + terms.seconds)
        self._writer = writer
        self._exchange = exchange
        self._request = request
        self.cache = terms.cache
        self.received = len(exchange.body)
        if request.parameters:
            self.deadline = min(self.deadline, _told_deadline(request.parameters, exchange.began))
        exchange.on_gone = self._leave

    def _leave(self) -> None:
        self.gone = True

    def answered(self, outputs: Mapping[str, Array]) -> None:
        body, json_length = self._writer.write(self._request, outputs)
        self.sent = len(body)
        headers = _STATES[self.cache_state]
        if json_length is None:
            self._exchange.answer(200, body, media.JSON, headers)
        else:
            binary = ((BINARY_HEADER, b"%d" % json_length), *headers)
            self._exchange.answer(200, body, media.BINARY, binary)

    def refused(self, fault: RequestFault) -> None:
        refuse(self._exchange, fault)


def _told_deadline(parameters: Mapping[str, object], began: float) -> float:
    """The end that the request's own `timeout` sets, microseconds; zero and none are no end."""
    timeout = parameters.get("timeout")
    return began + timeout * _MICROSECOND if isinstance(timeout, int) and timeout else float("inf")
