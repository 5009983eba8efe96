"""One inference that a coroutine waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from moorage_runtime.codecs.grpc_request import Envelope
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc.asked import Asked
from moorage_runtime.tensors import Array

DOOR = "grpc"


class Waiting(Call):
    """A call whose end is taken at once if it is there, and awaited only if it is not."""

    __slots__ = ("_answer", "_asked", "_envelope", "_fault", "_waiter")

    def __init__(
        self, asked: Asked, envelope: Envelope, inputs: Mapping[str, Array], began: float, deadline: float
    ) -> None:
        super().__init__(inputs, asked.head.outputs, began, deadline)
        self._asked = asked
        self._envelope = envelope
        self._answer: bytes | None = None
        self._fault: RequestFault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Write the answer in the form that the request came in."""
        asked, envelope = self._asked, self._envelope
        write = asked.answers.raw if envelope.raws else asked.answers.typed
        self._answer = write(envelope.id, outputs, final=asked.final)
        self.sent = len(self._answer)
        self._wake()

    def refused(self, fault: RequestFault) -> None:
        """There is no answer."""
        self._fault = fault
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def end(self, plane: DataPlane) -> bytes:
        """Hand the call to the data plane; its answer. Raises `RequestFault`; cancelling it drops the call."""
        plane.submit(self._asked.served, self, DOOR)
        if self._answer is None and self._fault is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.gone = True
                raise
        if self._answer is None:
            assert self._fault is not None  # noqa: S101 - the plane promises one of the two
            raise self._fault
        return self._answer
