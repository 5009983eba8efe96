"""One request that another revision is asked to answer, and the own model when it does not."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.accesslog import Entry
from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.breaker import Pass
from moorage_runtime.routing.hooks import Question, Reply
from moorage_runtime.servers.forward.errand import Errand
from moorage_runtime.servers.forward.question import compose
from moorage_runtime.servers.http.answers import JSON, Answer, lines
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.servers.rest.terms import BINARY_HEADER
from moorage_runtime.servers.split import ending
from moorage_runtime.servers.split.ending import TOO_LATE
from moorage_runtime.servers.split.guest import Guest
from moorage_runtime.tracing import route_of

if TYPE_CHECKING:
    from moorage_runtime.servers.split.desk import Desk
    from moorage_runtime.tracing import Trace

_PASSED = (BINARY_HEADER, b"x-cache", b"retry-after", b"www-authenticate", b"allow", b"cache-control")
_OF_THE_CONNECTION = frozenset(
    {b"connection", b"content-length", b"content-encoding", b"transfer-encoding", b"expect", b"keep-alive", b"upgrade"}
)
_UNREACHABLE = RequestFault(502, "RevisionUnreachable", "the model version that was to answer cannot be reached")
_LATE = RequestFault(504, "DeadlineExceeded", "the model version that was to answer did not in time")


class Manner(enum.Enum):
    """Why a request goes to another revision: its share, the client's own wish, or because this one serves no more."""

    SHARE = enum.auto()
    WISH = enum.auto()
    HERITAGE = enum.auto()


class Crossing(Errand):
    """Ends with exactly one answer to its exchange, and with one outcome in the tally of its guest."""

    __slots__ = (
        "_began",
        "_desk",
        "_door",
        "_exchange",
        "_guest",
        "_manner",
        "_shielded",
        "_timer",
        "_trace",
        "_went",
    )

    _timer: asyncio.TimerHandle

    def __init__(self, desk: Desk, exchange: Exchange, guest: Guest, manner: Manner, went: Pass, door: str) -> None:
        super().__init__(b"", exchange.body)
        self._desk = desk
        self._exchange = exchange
        self._guest = guest
        self._manner = manner
        self._went = went
        self._door = door
        # For as long as it lasts: the table that takes the candidate out takes its shield along.
        self._shielded = manner is Manner.HERITAGE or (manner is Manner.SHARE and desk.shield is not None)
        self._began = desk.clock()
        self._trace: Trace | None = None

    def begin(self, left: float) -> None:
        """Send it; `left`: seconds that the client waits."""
        desk, exchange, guest = self._desk, self._exchange, self._guest
        head = exchange.head
        trace: list[tuple[bytes, bytes]] = []
        if desk.tracer is not None:
            headers = head.headers
            self._trace = desk.tracer.begin(
                headers.get(b"traceparent"), headers.get(b"tracestate"), self._door, exchange.began
            )
            trace = self._trace.parent.headers()
        self.head = compose(guest.pool.address, head, len(self.body), exchange.request_id, left, trace)
        guest.tally.in_flight += 1
        exchange.on_gone = self.leave
        patience = desk.patience(left, self._began) if self._shielded else left
        self._timer = asyncio.get_running_loop().call_later(patience, self._late)
        guest.pool.send(self)

    def answered(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """See `Errand`."""
        outcome, reason = ending.of_answer(status, headers)
        seconds = self._end(status, reason)
        if outcome == ending.OK:
            self._relay(status, headers, body)
            self._guest.tally.seconds.observe(seconds)
            self._count(outcome)
            if self._manner is Manner.SHARE and self._desk.compares:
                self._desk.answered(self._guest.revision, self.question, Reply(status, headers, body, seconds))
        elif self._shielded and not (self._manner is Manner.HERITAGE and outcome == ending.REFUSED):
            self._shield(outcome, reason)
        else:
            self._relay(status, headers, body)
            self._settle(outcome, reason)

    def broke(self, reason: str) -> None:
        """See `Errand`."""
        self._end(502, reason)
        self._fail(ending.BROKEN, reason, _UNREACHABLE)

    def leave(self) -> None:
        """The client is gone."""
        self.give_up()
        self._end(499, "ClientGone")
        self._count(ending.CANCELLED)

    def describe(self, entry: Entry) -> None:
        """Add to a line of the access log who answers, unless the own model does."""
        guest = self._guest
        entry.model, entry.version, entry.door = self._desk.model, guest.version, self._door
        entry.path = route_of(self._door) or entry.path
        if self._trace is not None:
            entry.trace_id = self._trace.trace_id

    @property
    def question(self) -> Question:
        """What the client asked."""
        exchange = self._exchange
        left = self._desk.seconds(exchange)
        return asked(exchange, self._door, left)

    def _late(self) -> None:
        self.give_up()
        self._end(504, TOO_LATE)
        self._fail(ending.TIMEOUT, TOO_LATE, _LATE)

    def _fail(self, outcome: str, reason: str, fault: RequestFault) -> None:
        if self._shielded:
            self._shield(outcome, reason)
        else:
            refuse(self._exchange, fault)
            self._count(outcome, reason)

    def _shield(self, outcome: str, reason: str) -> None:
        """The own model answers instead."""
        exchange, tally = self._exchange, self._guest.tally
        exchange.on_gone = None

        def heard(answer: Answer) -> None:
            if answer[0] < 300:
                tally.shielded += 1
            if outcome == ending.REFUSED:
                self._count(ending.FAULTY if 400 <= answer[0] < 500 else outcome, reason)
            elif outcome == ending.INVALID:
                self._settle(outcome, reason)

        exchange.tap(heard)
        if outcome not in ending.DOUBTFUL:
            self._count(outcome, reason)
        self._desk.instead(exchange)

    def _settle(self, outcome: str, reason: str) -> None:
        """Count an answer that has left, after asking the own model what it says, where that matters."""
        if outcome in ending.DOUBTFUL and self._manner is Manner.SHARE:
            self._desk.consult(self.question, outcome, lambda agrees: self._agreed(outcome, reason, agrees))
        else:
            self._count(outcome, reason)

    def _agreed(self, outcome: str, reason: str, agrees: bool) -> None:
        self._count(ending.FAULTY if agrees else outcome, reason)

    def _relay(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
        passed = [(name, headers[name]) for name in _PASSED if name in headers]
        content_type = headers.get(b"content-type", JSON)
        speaker = [(name, headers.get(name, own)) for name, own in self._guest.identity.items()]
        self._exchange.relay(status, body, content_type, lines(speaker), passed)

    def _end(self, status: int, reason: str) -> float:
        """The guest is done with it; gives the seconds that it took."""
        self._timer.cancel()
        self.over = True
        self._guest.tally.in_flight -= 1
        if self._trace is not None:
            guest = self._guest
            self._trace.end(status, reason, self._desk.model, guest.version, self._began, None)
        return self._desk.clock() - self._began

    def _count(self, outcome: str, reason: str | None = None) -> None:
        guest = self._guest
        if self._manner is Manner.WISH:
            guest.tally.picked += 1
            return
        if outcome == ending.CANCELLED:
            guest.tally.count(outcome)
            # Who leaves at once says nothing; where all wait in vain, the next ones should not have to.
            if self._desk.lost(self._began):
                guest.breaker.tell(self._went, self._desk.clock(), good=False)
            return
        good = outcome in (ending.OK, ending.FAULTY)
        guest.tally.count(outcome, None if good else reason)
        guest.breaker.tell(self._went, self._desk.clock(), good=good)


def asked(exchange: Exchange, door: str, seconds: float) -> Question:
    """An exchange's request as a record."""
    head = exchange.head
    path = head.path + (b"?" + head.query if head.query else b"")
    headers = {name: value for name, value in head.headers.items() if name not in _OF_THE_CONNECTION}
    return Question(door, head.method, path, headers, exchange.body, exchange.request_id, seconds)
