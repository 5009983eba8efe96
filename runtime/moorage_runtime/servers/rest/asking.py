"""A question with a JSON body to one version of a model, whatever its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from moorage_runtime.codecs.slices import GREAT_BYTES
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.answers import Parts
from moorage_runtime.servers.http.exchange import Body, Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import media
from moorage_runtime.servers.rest.faults import turn_away
from moorage_runtime.servers.rest.http_call import HttpCall
from moorage_runtime.servers.rest.terms import Terms
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array


class Tongue(Protocol):
    """How one protocol speaks of one version. A question has the model's `inputs`. All of it raises `RequestFault`."""

    def read(self, body: bytes) -> Any:
        """A body to a question."""

    def read_slowly(self, body: Body) -> Steps[Any]:
        """The same in steps."""

    def write(self, question: Any, outputs: Mapping[str, Array], exchange: Exchange) -> bytes:
        """A question and the model's outputs to the body of an answer."""

    def takes_long(self, question: Any, outputs: Mapping[str, Array]) -> bool:
        """Whether this answer is better written in steps."""

    def write_slowly(self, question: Any, outputs: Mapping[str, Array], exchange: Exchange) -> Steps[list[bytes]]:
        """The same answer in parts and in steps."""


class Asking:
    """The route of one protocol, named `door`, to one version."""

    needs_body = True

    def __init__(self, plane: DataPlane, served: Served, door: str, tongue: Tongue, turns: Turns) -> None:
        self._plane, self.served, self.door = plane, served, door
        self._tongue, self._turns = tongue, turns
        self._timeout = plane.config.timeout_seconds
        self.body_limit = plane.config.limits.json_bytes

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 400, 406 or 415."""
        media.acceptable(head, media.JSON)
        head.facts = Terms(head, self._timeout, streams=False)

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        body = exchange.body
        try:
            self._plane.admit(self.served)
            if len(body) > GREAT_BYTES:
                self._turns.take(exchange, self._slowly(exchange))
                return
            question = self._tongue.read(body if body.__class__ is bytes else bytes(body))
        except RequestFault as fault:
            self._refuse(exchange, fault)
            return
        self._run(exchange, question)

    def _slowly(self, exchange: Exchange) -> Steps[None]:
        try:
            question = yield from self._tongue.read_slowly(exchange.body)
        except RequestFault as fault:
            self._refuse(exchange, fault)
            return
        self._run(exchange, question)

    def _refuse(self, exchange: Exchange, fault: RequestFault) -> None:
        turn_away(self._plane, exchange, fault, self.door, self.served)

    def _run(self, exchange: Exchange, question: Any) -> None:
        terms = exchange.head.facts
        assert isinstance(terms, Terms)  # noqa: S101 - `accept` saw this head
        call = _Call(exchange, terms, question.inputs)
        call.question, call.tongue, call.turns = question, self._tongue, self._turns
        if self._plane.tracer is not None:
            call.follow(self._plane.tracer, self.door)
        self._plane.submit(self.served, call, self.door)


class _Call(HttpCall):
    __slots__ = ("question", "tongue", "turns")

    question: Any
    tongue: Tongue
    turns: Turns

    def answered(self, outputs: Mapping[str, Array]) -> bool:
        if self.tongue.takes_long(self.question, outputs):
            return self.later(self.turns, self._slowly(outputs))
        self.tell(self.tongue.write(self.question, outputs, self.exchange))
        return False

    def _slowly(self, outputs: Mapping[str, Array]) -> Steps[None]:
        self.tell(Parts((yield from self.tongue.write_slowly(self.question, outputs, self.exchange))))
