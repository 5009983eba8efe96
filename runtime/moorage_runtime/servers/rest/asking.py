"""A question with a JSON body to one version of a model, whatever its protocol."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import media
from moorage_runtime.servers.rest.faults import turn_away
from moorage_runtime.servers.rest.http_call import HttpCall
from moorage_runtime.servers.rest.terms import Terms
from moorage_runtime.tensors import Array

_GREAT_BYTES = 64 << 10

Read = Callable[[bytes], Any]
"""A body to a question, which has the model's `inputs`. Raises `RequestFault`."""

Write = Callable[[Any, Mapping[str, Array], Exchange], bytes]
"""A question and the model's outputs to the body of an answer. Raises `RequestFault`."""


class Asking:
    """The route of one protocol, named `door`, to one version."""

    needs_body = True

    def __init__(self, plane: DataPlane, served: Served, door: str, read: Read, write: Write) -> None:
        self._plane, self.served, self._door = plane, served, door
        self._read, self._write = read, write
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
            if len(body) > _GREAT_BYTES:
                with _undisturbed():
                    question = self._read(bytes(body))
            else:
                question = self._read(body if body.__class__ is bytes else bytes(body))
        except RequestFault as fault:
            turn_away(self._plane, exchange, fault, self._door, self.served)
            return
        terms = exchange.head.facts
        assert isinstance(terms, Terms)  # noqa: S101 - `accept` saw this head
        call = _Call(exchange, terms, question.inputs)
        call.question, call.write = question, self._write
        if self._plane.tracer is not None:
            call.follow(self._plane.tracer, self._door)
        self._plane.submit(self.served, call, self._door)


class _Call(HttpCall):
    __slots__ = ("question", "write")

    question: Any
    write: Write

    def answered(self, outputs: Mapping[str, Array]) -> None:
        if self.received > _GREAT_BYTES:
            with _undisturbed():
                content = self.write(self.question, outputs, self.exchange)
        else:
            content = self.write(self.question, outputs, self.exchange)
        self.tell(content)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Many rows hold no cycle; to search them for one again and again takes longer than to read or write them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
