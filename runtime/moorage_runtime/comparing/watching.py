"""Comparing while clients are served: of what went to another revision, some is asked of the own model too; of what the
own model answered, another revision gets copies. Both after the client has its answer, and only as far as there is
room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from moorage_runtime.comparing import finding
from moorage_runtime.comparing.backlog import Backlog
from moorage_runtime.comparing.finding import Finding, Kind
from moorage_runtime.comparing.told import Naming
from moorage_runtime.config import Compare
from moorage_runtime.routing.buckets import Turns
from moorage_runtime.routing.hooks import Ask, Question, Reply
from moorage_runtime.routing.tally import Tally

log = logging.getLogger(__name__)

# Larger answers are not compared: reading their JSON would keep the loop.
JSON_BYTES = 256 << 10
BINARY_BYTES = 4 << 20
# More than this is compared in a thread.
AT_ONCE_BYTES = 64 << 10
SAMPLE_CHARACTERS = 200
# A run that takes longer is another thread's.
_INLINE_SECONDS = 0.001
# Of the loop's time: to hand a request over, and to take its answer.
_HANDED_SECONDS = 0.0001


class Other(Protocol):
    """Another revision, as far as comparing needs it."""

    @property
    def tally(self) -> Tally:
        """Its counts."""

    def copy(self, question: Question) -> Awaitable[Reply | None]:
        """Give it a copy of a request, and count how that ends; None when there is no answer. Never raises, but for
        being cancelled.
        """


class Comparing:
    """The `Watcher` of one pod. To be used from the loop's thread only.

    `ask` asks the pod's own model; `others` finds another revision, None for one that the table does not have any more;
    `busy`: whether clients need all there is; `naming`: see `Naming`; `clock`: monotonic seconds; `turns`: draws the
    share that is compared.
    """

    def __init__(
        self,
        ask: Ask,
        others: Callable[[str], Other | None],
        busy: Callable[[], bool],
        naming: Callable[[], Naming],
        clock: Callable[[], float],
        turns: Turns,
    ) -> None:
        self._ask = ask
        self._others = others
        self._naming = naming
        self._clock = clock
        self._turns = turns
        self._rule: Compare | None = None
        # A revision that hangs holds up its copies, not the comparisons of what it did answer.
        self._again, self._copies = Backlog(busy, clock), Backlog(busy, clock)

    def table(self, compare: Compare | None) -> None:
        """Another table is in force; what waits already is compared as it was meant."""
        self._rule = compare
        if compare is not None:
            for backlog in (self._again, self._copies):
                backlog.concurrency, backlog.queue = compare.concurrency, compare.queue

    def forwarded(self, revision: str, question: Question, reply: Reply) -> None:
        """`revision` has answered a client with 2xx."""
        rule, other = self._rule, self._others(revision)
        if rule is None or other is None or not self._turns.next() * 100.0 < rule.percent:
            return
        tally = other.tally

        async def work() -> None:
            own = await self._ask(question)
            if own is None:
                tally.dropped += 1
                return
            await self._judge(self._again, tally, question.door, reply, own, rule)
            inline = own.seconds <= _INLINE_SECONDS
            self._again.spent(own.seconds if inline else _HANDED_SECONDS, 0.0 if inline else own.seconds)

        _offer(self._again, work, tally, question, reply)

    def own(self, revision: str, question: Question, reply: Reply) -> None:
        """The pod's own model has answered a client with 2xx, and `revision` should get a copy."""
        rule, other = self._rule, self._others(revision)
        if other is None:
            return

        async def work() -> None:
            self._copies.spent(_HANDED_SECONDS)
            copied = await other.copy(question)
            if rule is not None and copied is not None and 200 <= copied.status < 300:
                await self._judge(self._copies, other.tally, question.door, copied, reply, rule)

        _offer(self._copies, work, other.tally, question, reply)

    def close(self) -> None:
        """Drop what waits and end what runs."""
        self._again.clear()
        self._copies.clear()

    async def _judge(self, backlog: Backlog, tally: Tally, door: str, other: Reply, own: Reply, rule: Compare) -> None:
        if _too_large(other) or _too_large(own):
            tally.dropped += 1
            return
        naming, began = self._naming(), self._clock()
        if len(other.body) + len(own.body) <= AT_ONCE_BYTES:
            found = finding.compare(door, other, own, rule, naming)
            backlog.spent(self._clock() - began)
        else:
            found = await asyncio.to_thread(finding.compare, door, other, own, rule, naming)
            backlog.spent(0.0, self._clock() - began)
        _count(tally, found, other.seconds - own.seconds)


def _offer(
    backlog: Backlog, work: Callable[[], Coroutine[None, None, None]], tally: Tally, question: Question, reply: Reply
) -> None:
    def dropped() -> None:
        tally.dropped += 1

    if _too_large(reply):
        dropped()
    else:
        backlog.offer(work, dropped, len(question.body) + len(reply.body))


def _count(tally: Tally, found: Finding, slower_seconds: float) -> None:
    if found.kind is Kind.INCOMPARABLE:
        tally.dropped += 1
        log.debug("answers cannot be compared", extra={"detail": found.words})
        return
    tally.compared += 1
    tally.slower_seconds += slower_seconds
    if found.kind is Kind.DIFFERS:
        tally.differs(found.words[:SAMPLE_CHARACTERS])


def _too_large(reply: Reply) -> bool:
    json = reply.content_type.startswith(b"application/json")
    return len(reply.body) > (JSON_BYTES if json else BINARY_BYTES)
