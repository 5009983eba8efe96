"""One inference that a coroutine waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from moorage_runtime.dataplane.call import Call
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc.asked import Asked
from moorage_runtime.servers.grpc.status import Metadata
from moorage_runtime.tensors import Array

DOOR = "grpc"


class Waiting(Call):
    """A call whose end is taken at once if it is there, and awaited only if it is not.

    `ended`: there is an `answer`, the message, or a `fault`.
    """

    __slots__ = ("_asked", "_raw", "_request_id", "_waiter", "answer", "ended", "fault")

    def __init__(
        self,
        asked: Asked,
        request_id: str,
        inputs: Mapping[str, Array],
        began: float,
        deadline: float,
        *,
        raw: bool,
    ) -> None:
        super().__init__(inputs, asked.head.outputs, began, deadline)
        self._asked = asked
        self._request_id = request_id
        self._raw = raw
        self._waiter: asyncio.Future[None] | None = None
        self.answer = b""
        self.fault: RequestFault | None = None
        self.ended = False

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Write the answer in the form that the request came in."""
        asked = self._asked
        write = asked.answers.raw if self._raw else asked.answers.typed
        self.answer = answer = write(self._request_id, outputs, final=asked.final)
        self.sent = len(answer)
        self._end()

    def refused(self, fault: RequestFault) -> None:
        """There is no answer."""
        self.fault = fault
        self._end()

    def _end(self) -> None:
        self.ended = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def end(self) -> None:
        """Wait for the end; being cancelled drops the call."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.gone = True
            raise

    @property
    def metadata(self) -> Metadata:
        """Who answered, and what the cache had to do with it."""
        told = self._asked.identity
        return told if self.cache_state is None else (*told, ("x-cache", self.cache_state))
