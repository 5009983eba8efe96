"""One inference that came over gRPC, alone or in a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.caching.states import BYPASS, COALESCED, HIT, MISS
from moorage_runtime.codecs import grpc_answer
from moorage_runtime.dataplane.call import Call
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity, status
from moorage_runtime.servers.grpc.messages import framed
from moorage_runtime.servers.http2 import hpack
from moorage_runtime.servers.http2.stream import Stream
from moorage_runtime.tensors import Array

if TYPE_CHECKING:
    from moorage_runtime.servers.grpc.asked import Asked
    from moorage_runtime.servers.grpc.conversation import Conversation
    from moorage_runtime.servers.grpc.infer import Inference
    from moorage_runtime.servers.http.exchange import Exchange

CANCELLED = 499
# What part the cache had in an answer; most answers have none.
_STATES: dict[str | None, bytes] = {
    None: b"",
    **{state: hpack.write(((b"x-cache", state.encode()),)) for state in (HIT, MISS, COALESCED, BYPASS)},
}


class GrpcCall(Call):
    """Begins as a message of `size` bytes, and is a call from `take` on.

    `message_id`: the id in the message; `raw`: its tensors are raw, and so will be those of the answer. `over`:
    somebody has heard how it ended, or does not want to hear it. `exchange`: what another revision may answer instead.
    """

    __slots__ = ("_inference", "asked", "exchange", "message_id", "over", "raw", "request_id", "size")

    method = ""
    asked: Asked

    def __init__(self, inference: Inference, request_id: bytes, size: int, began: float) -> None:
        self._inference = inference
        self.request_id = request_id
        self.size = size
        self.began = began
        self.exchange: Exchange | None = None
        self.message_id = ""
        self.raw = True
        self.over = False

    def take(self, asked: Asked, inputs: Mapping[str, Array], deadline: float) -> None:
        """It is known what is asked of whom."""
        super().__init__(inputs, asked.head.outputs, self.began, deadline)
        self.asked = asked
        self.received = self.size

    def answered(self, outputs: Mapping[str, Array]) -> None:
        """Write the answer in the form that the request came in."""
        asked = self.asked
        write = asked.answers.raw if self.raw else asked.answers.typed
        message = write(self.message_id, outputs, final=asked.final)
        self.sent = len(message)
        if not self.over:
            self.over = True
            self._inference.ended(self, 200)
            self.give(message)

    def refused(self, fault: RequestFault) -> None:
        """Tell why there is no answer."""
        if not self.over:
            self.over = True
            self._inference.ended(self, fault.status)
            self.deny(fault)

    def leave(self) -> None:
        """The client is gone."""
        self.gone = True
        if not self.over:
            self.over = True
            self._inference.ended(self, CANCELLED)
            if self.exchange is not None:
                self.exchange.leave()

    def relay(self, message: bytes, told: bytes) -> None:
        """Another revision has answered; `told`: a block of metadata that says which."""
        if not self.over:
            self.over = True
            self.sent = len(message)
            self._inference.ended(self, 200)
            self.pass_on(message, told)

    def give(self, message: bytes) -> None:
        """Send the answer."""
        raise NotImplementedError

    def pass_on(self, message: bytes, told: bytes) -> None:
        """Send the answer of another revision."""
        raise NotImplementedError

    def deny(self, fault: RequestFault) -> None:
        """Send the refusal."""
        raise NotImplementedError


class SingleCall(GrpcCall):
    """ModelInfer."""

    __slots__ = ("stream",)

    method = "ModelInfer"
    stream: Stream

    def give(self, message: bytes) -> None:
        """See `GrpcCall`."""
        self.pass_on(message, self.asked.identity + _STATES[self.cache_state])

    def pass_on(self, message: bytes, told: bytes) -> None:
        """See `GrpcCall`."""
        trailers = b"".join((status.GOOD, identity.named(self.request_id), told))
        self.stream.answer(status.OPENING, framed(message), trailers)

    def deny(self, fault: RequestFault) -> None:
        """See `GrpcCall`."""
        self.stream.refuse(status.alone(fault, identity.named(self.request_id)))


class PartCall(GrpcCall):
    """One of the requests of a ModelStreamInfer. `answer`: its message, once there is one."""

    __slots__ = ("answer", "conversation")

    method = "ModelStreamInfer"
    conversation: Conversation
    answer: bytes | None

    def give(self, message: bytes) -> None:
        """See `GrpcCall`."""
        self.pass_on(message, b"")

    def pass_on(self, message: bytes, _told: bytes) -> None:
        """See `GrpcCall`."""
        self.answer = grpc_answer.streamed(message)
        self.conversation.go_on()

    def deny(self, fault: RequestFault) -> None:
        """See `GrpcCall`."""
        self.answer = grpc_answer.refused(self.message_id, status.details(fault))
        self.conversation.go_on()
