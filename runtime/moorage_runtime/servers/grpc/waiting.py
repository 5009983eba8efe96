"""One inference that a coroutine waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from moorage_runtime.codecs.grpc_request import Envelope
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc.asked import Asked
from moorage_runtime.servers.grpc.status import Metadata
from moorage_runtime.tensors import Array

DOOR = "grpc"


class Waiting(Call):
    """A call whose end is taken at once if it is there, and awaited only if it is not.

    `answer`: the message, once there is one; it is never empty, it names the model.
    """

    __slots__ = ("_asked", "_envelope", "_fault", "_waiter", "answer")

    def __init__(
        self, asked: Asked, envelope: Envelope, inputs: Mapping[str, Array], began: float, deadline: float
    ) -> None:
        super().__init__(inputs, asked.head.outputs, began, deadline)
        self._asked = asked
        self._envelope = envelope
        self.answer = b""
        self._fault: RequestFault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Write the answer in the form that the request came in."""
        asked, envelope = self._asked, self._envelope
        write = asked.answers.raw if envelope.raws else asked.answers.typed
        self.answer = write(envelope.id, outputs, final=asked.final)
        self.sent = len(self.answer)
        self._wake()

    def refused(self, fault: RequestFault) -> None:
        """There is no answer."""
        self._fault = fault
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def end(self, plane: DataPlane) -> None:
        """Have the data plane answer it, and wait for that. Raises `RequestFault`; cancelling it drops the call."""
        plane.submit(self._asked.served, self, DOOR)
        if not self.answer and self._fault is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.gone = True
                raise
        if self._fault is not None:
            raise self._fault

    @property
    def metadata(self) -> Metadata:
        """Who answered, and what the cache had to do with it."""
        told = self._asked.identity
        return told if self.cache_state is None else (*told, ("x-cache", self.cache_state))
