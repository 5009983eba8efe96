"""A request that another revision gets although its client has the answer already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from moorage_runtime.routing.hooks import Question, Reply
from moorage_runtime.servers.forward.errand import Errand
from moorage_runtime.servers.forward.question import compose
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.split import ending
from moorage_runtime.servers.split.ending import TOO_LATE
from moorage_runtime.servers.split.guest import Guest

_TRACES = (b"traceparent", b"tracestate")


class Copies:
    """To one revision. `patience`: gives the seconds that an answer may take."""

    def __init__(self, guest: Guest, clock: Callable[[], float], patience: Callable[[float], float]) -> None:
        self.tally = guest.tally
        self._guest = guest
        self._clock = clock
        self._patience = patience

    async def copy(self, question: Question) -> Reply | None:
        """Give it a copy of a request, and count how that ends; None without an answer, or while it is held back."""
        guest = self._guest
        if guest.breaker.open or guest.full or guest.pool.stranger:
            return None
        path, _, query = question.path.partition(b"?")
        # The client's trace is over.
        headers = {name: value for name, value in question.headers.items() if name not in _TRACES}
        head = Head(question.method, path, query, headers)
        seconds = self._patience(question.seconds)
        composed = compose(guest.pool.address, head, len(question.body), question.request_id, seconds, [])
        errand = _Awaited(composed, question)
        began = self._clock()
        guest.tally.in_flight += 1
        guest.pool.send(errand)
        try:
            async with asyncio.timeout(seconds):
                found = await errand.end
        except TimeoutError:
            found = TOO_LATE
        finally:
            guest.tally.in_flight -= 1
            errand.give_up()
        guest.tally.copies += 1
        if isinstance(found, str):
            guest.tally.count(ending.TIMEOUT if found == TOO_LATE else ending.BROKEN, found)
            return None
        status, told, body = found
        outcome, reason = ending.of_answer(status, told)
        guest.tally.count(outcome, reason or None)
        return Reply(status, told, body, self._clock() - began)


_Answer = tuple[int, Mapping[bytes, bytes], bytes]


class _Awaited(Errand):
    __slots__ = ("end",)

    def __init__(self, head: bytes, question: Question) -> None:
        super().__init__(head, question.body)
        self.end: asyncio.Future[_Answer | str] = asyncio.get_running_loop().create_future()

    def answered(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """See `Errand`."""
        self._tell((status, headers, body))

    def broke(self, reason: str) -> None:
        """See `Errand`."""
        self._tell(reason)

    def _tell(self, end: _Answer | str) -> None:
        self.over = True
        if not self.end.done():
            self.end.set_result(end)
