"""Comparing while clients are served: of what went to another revision, some is asked of the own model too; of what the
own model answered, another revision gets copies. Both after the client has its answer, and only as far as there is
room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

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
_INLINE_SECONDS = 0.001

Copy = Callable[[str, Question], Awaitable[Reply | None]]
"""Gives a copy of a request to another revision, and counts how that ended. None when there is no answer; never raises,
but for being cancelled.
"""


class Comparing:
    """The `Watcher` of one pod. To be used from the loop's thread only.

    `own` asks the pod's own model; `tally` gives the counts of another revision; `busy`: whether clients need all there
    is; `naming`: see `Naming`; `clock`: monotonic seconds; `turns`: draws the share that is compared.
    """

    def __init__(
        self,
        own: Ask,
        copy: Copy,
        tally: Callable[[str], Tally],
        busy: Callable[[], bool],
        naming: Callable[[], Naming],
        clock: Callable[[], float],
        turns: Turns,
    ) -> None:
        self._own, self._copy = own, copy
        self._tally = tally
        self._naming = naming
        self._clock = clock
        self._turns = turns
        self._rule: Compare | None = None
        # A revision that hangs holds up its copies, not the comparisons of what it did answer.
        self._again, self._copies = Backlog(busy, clock), Backlog(busy, clock)

    def table(self, compare: Compare | None) -> None:
        """Another table is in force: what was waiting under the one before is forgotten."""
        self.close()
        self._rule = compare
        if compare is not None:
            for backlog in (self._again, self._copies):
                backlog.concurrency, backlog.queue = compare.concurrency, compare.queue

    def forwarded(self, revision: str, question: Question, reply: Reply) -> None:
        """`revision` has answered a client with 2xx."""
        rule = self._rule
        if rule is None or not self._turns.next() * 100.0 < rule.percent:
            return

        async def work() -> None:
            own = await self._own(question)
            if own is not None:
                await self._judge(revision, question.door, reply, own, rule)
            self._again.spent(min(own.seconds if own else 0.0, _INLINE_SECONDS))

        self._offer(self._again, work, revision, question, reply)

    def own(self, revision: str, question: Question, reply: Reply) -> None:
        """The pod's own model has answered a client with 2xx, and `revision` should get a copy."""
        rule = self._rule

        async def work() -> None:
            other = await self._copy(revision, question)
            if rule is not None and other is not None and 200 <= other.status < 300:
                await self._judge(revision, question.door, other, reply, rule)

        self._offer(self._copies, work, revision, question, reply)

    def close(self) -> None:
        """Drop what waits and end what runs."""
        self._again.clear()
        self._copies.clear()

    def _offer(
        self,
        backlog: Backlog,
        work: Callable[[], Coroutine[None, None, None]],
        revision: str,
        question: Question,
        reply: Reply,
    ) -> None:
        def dropped() -> None:
            self._tally(revision).dropped += 1

        if _too_large(reply):
            dropped()
        else:
            backlog.offer(work, dropped, len(question.body) + len(reply.body))

    async def _judge(self, revision: str, door: str, other: Reply, own: Reply, rule: Compare) -> None:
        tally, naming = self._tally(revision), self._naming()
        if _too_large(other) or _too_large(own):
            tally.dropped += 1
            return
        began = self._clock()
        if len(other.body) + len(own.body) <= AT_ONCE_BYTES:
            found = finding.compare(door, other, own, rule, naming)
            self._again.spent(self._clock() - began)
        else:
            found = await asyncio.to_thread(finding.compare, door, other, own, rule, naming)
        _count(tally, found, other.seconds - own.seconds)


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
