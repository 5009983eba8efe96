"""Inference requests in the Open Inference Protocol V2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moorage_runtime.codecs.slices import GREAT_BYTES
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.engines.engine import Streaming
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.answers import Content, Parts
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import media
from moorage_runtime.servers.rest.events import Events
from moorage_runtime.servers.rest.faults import turn_away
from moorage_runtime.servers.rest.http_call import HttpCall
from moorage_runtime.servers.rest.terms import BINARY_HEADER, Terms
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

DOOR: Final = "v2"
_MICROSECOND = 1e-6


class V2Infer:
    """Answers the inference requests for one version of a model."""

    needs_body = True
    door = DOOR

    def __init__(self, plane: DataPlane, served: Served, turns: Turns) -> None:
        engine, limits = served.engine, plane.config.limits
        self.plane = plane
        self.served = served
        self.reader = Reader(engine.inputs, engine.outputs, limits, engine.optional)
        self.writer = Writer(served.name, served.version)
        self.body_limit = limits.body_bytes
        self._timeout = plane.config.timeout_seconds
        self._streams = isinstance(engine, Streaming)
        self._events = Events()
        self._turns = turns

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 400, 406 or 415."""
        head.facts = terms = Terms(head, self._timeout, streams=self._streams)
        head.aligned = terms.json_length or 0

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        terms = exchange.head.facts
        assert isinstance(terms, Terms)  # noqa: S101 - `accept` saw this head
        try:
            self.plane.admit(self.served)
            if (terms.json_length or len(exchange.body)) > GREAT_BYTES:
                self._turns.take(exchange, self._slowly(exchange, terms))
                return
            request = self.reader.read(exchange.body, terms.json_length)
        except RequestFault as fault:
            self._refuse(exchange, fault)
            return
        self._run(exchange, terms, request)

    def _slowly(self, exchange: Exchange, terms: Terms) -> Steps[None]:
        try:
            request = yield from self.reader.steps(exchange.body, terms.json_length)
        except RequestFault as fault:
            self._refuse(exchange, fault)
            return
        self._run(exchange, terms, request)

    def _refuse(self, exchange: Exchange, fault: RequestFault) -> None:
        turn_away(self.plane, exchange, fault, DOOR, self.served)

    def _run(self, exchange: Exchange, terms: Terms, request: InferRequest) -> None:
        end = exchange.began + terms.seconds
        if request.parameters:
            end = min(end, _told_deadline(request.parameters, exchange.began))
        if terms.events:
            self._stream(exchange, request, end)
            return
        call = _V2Call(exchange, terms, request.inputs, request.outputs)
        call.request, call.writer, call.turns, call.deadline = request, self.writer, self._turns, end
        if self.plane.tracer is not None:
            call.follow(self.plane.tracer, DOOR)
        self.plane.submit(self.served, call, DOOR)

    def _stream(self, exchange: Exchange, request: InferRequest, end: float) -> None:
        if request.binary:
            raise RequestFault(400, "InvalidRequest", "an answer in parts has no binary tensors")
        parts = self.plane.stream(self.served, request.inputs, request.outputs, end, DOOR)
        self._events.send(exchange, parts, lambda part: self.writer.write(request, part)[0])


class _V2Call(HttpCall):
    __slots__ = ("request", "turns", "writer")

    request: InferRequest
    turns: Turns
    writer: Writer

    def answered(self, outputs: Mapping[str, Array]) -> bool:
        written = self.writer.write_quickly(self.request, outputs)
        if written is None:
            return self.later(self.turns, self._slowly(outputs))
        body, json_length = written
        if json_length is None:
            self.tell(body)
        else:
            self._told_binary(body, json_length)
        return False

    def _slowly(self, outputs: Mapping[str, Array]) -> Steps[None]:
        parts, json_length = yield from self.writer.steps(self.request, outputs)
        if json_length is None:
            self.tell(Parts(parts))
        else:
            self._told_binary(Parts(parts), json_length)

    def _told_binary(self, body: Content, json_length: int) -> None:
        self.tell(body, media.BINARY, ((BINARY_HEADER, b"%d" % json_length),))


def _told_deadline(parameters: Mapping[str, object], began: float) -> float:
    """The end that the request's own `timeout` sets, microseconds; zero and none are no end."""
    timeout = parameters.get("timeout")
    return began + timeout * _MICROSECOND if isinstance(timeout, int) and timeout else float("inf")
