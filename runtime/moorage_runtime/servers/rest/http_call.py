"""A call that came over HTTP, whatever its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mypy_extensions import mypyc_attr

from moorage_runtime.caching.states import BYPASS, COALESCED, HIT, MISS
from moorage_runtime.dataplane.call import Call
from moorage_runtime.errors import RequestFault
from moorage_runtime.expiry import client_gone
from moorage_runtime.servers.http.answers import Content
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest import media
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.servers.rest.terms import Terms
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array
from moorage_runtime.tracing import Tracer

# What part the cache had in an answer, as a header; most answers have none.
_STATES: dict[str | None, Sequence[tuple[bytes, bytes]]] = {
    None: (),
    **{state: ((b"x-cache", state.encode()),) for state in (HIT, MISS, COALESCED, BYPASS)},
}


@mypyc_attr(allow_interpreted_subclasses=True)
class HttpCall(Call):
    """Answers its exchange; a protocol adds how."""

    __slots__ = ("exchange",)

    def __init__(
        self, exchange: Exchange, terms: Terms, inputs: Mapping[str, Array], outputs: tuple[str, ...] | None = None
    ) -> None:
        began = exchange.began
        # `super()` costs every request as much as all the rest of this.
        Call.__init__(self, inputs, outputs, began, began + terms.seconds, len(exchange.body), terms.cache)
        self.exchange = exchange
        exchange.on_gone = self.leave

    def follow(self, tracer: Tracer, door: str) -> None:
        """Give the call its place in the client's trace."""
        headers = self.exchange.head.headers
        self.trace = tracer.begin(headers.get(b"traceparent"), headers.get(b"tracestate"), door, self.began)

    def leave(self) -> None:
        """The client is gone."""
        self.gone = True

    def tell(
        self, content: Content, content_type: bytes = media.JSON, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Give the answer."""
        self.sent = len(content)
        told = _STATES[self.cache_state]
        self.exchange.answer(200, content, content_type, (*headers, *told) if headers else told)

    def later(self, turns: Turns, telling: Steps[None]) -> bool:
        """Take steps that end in `tell`, when it is their turn; gives what `answered` gives then."""
        steps = self._telling(telling)
        # Begun, it hears of it when it is dropped.
        next(steps)
        turns.take(self.exchange, steps)
        return True

    def _telling(self, telling: Steps[None]) -> Steps[None]:
        try:
            yield
            yield from telling
        except GeneratorExit:
            self.fail(client_gone())
            raise
        except Exception as error:
            self.failed(error)
            return
        self.told()

    def refused(self, fault: RequestFault) -> None:
        """Tell why there is no answer."""
        refuse(self.exchange, fault)
