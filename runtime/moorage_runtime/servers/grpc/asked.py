"""What requests ask of which model: read and checked once for all that ask the same."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from moorage_runtime.codecs import grpc_pattern, grpc_request
from moorage_runtime.codecs.grpc_answer import Answers
from moorage_runtime.codecs.grpc_pattern import Pattern
from moorage_runtime.codecs.grpc_request import Envelope
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.grpc import identity
from moorage_runtime.tensors import Array

K = TypeVar("K")
V = TypeVar("V")

_REMEMBERED = 256
_LONGEST_REMEMBERED = 2048
_MICROSECOND = 1e-6


class Asked(msgspec.Struct, frozen=True, eq=False):
    """A checked head and who answers it. `identity`: a block of metadata. `timeout`: seconds that the client wants to
    wait at most; `final`: it asks to be told that no further answer comes.
    """

    head: grpc_request.Head
    served: Served
    answers: Answers
    identity: bytes
    timeout: float
    final: bool


class Memory:
    """The heads and the whole patterns of messages seen of late, while the served models stay the same."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._epoch = plane.epoch
        self._heads: dict[bytes, Asked] = {}
        self._patterns: dict[int, tuple[Pattern, Asked]] = {}

    def recall(self, message: bytes) -> tuple[Asked, dict[str, Array]] | None:
        """What a message asks, and its tensors, if one like it was learned; it has no id, and its tensors are raw."""
        if self._epoch != self._plane.epoch:
            self._forget()
        known = self._patterns.get(len(message))
        if known is None:
            return None
        inputs = known[0].read(message)
        return None if inputs is None else (known[1], inputs)

    def learn(self, message: bytes, envelope: Envelope, asked: Asked) -> None:
        """A message was read, and nothing was wrong with it."""
        pattern = grpc_pattern.learn(message, envelope, asked.head)
        if pattern is not None and len(pattern.prefix) <= _LONGEST_REMEMBERED:
            _remember(self._patterns, len(message), (pattern, asked))

    def ask(self, head: bytes) -> Asked:
        """What a head asks. Raises `RequestFault` 400, 404, 413 or 503."""
        if self._epoch != self._plane.epoch:
            self._forget()
        return self._heads.get(head) or self._read(head)

    def _forget(self) -> None:
        self._epoch = self._plane.epoch
        self._heads.clear()
        self._patterns.clear()

    def _read(self, content: bytes) -> Asked:
        head = grpc_request.read_head(content)
        served = self._plane.find(head.model, head.version)
        config, engine = self._plane.config, served.engine
        if head.outputs == tuple(engine.outputs):
            # It is the same question as one that names none: they run together, and one answer is remembered for both.
            head = msgspec.structs.replace(head, outputs=None)
        grpc_request.check(head, engine.inputs, engine.outputs, config.limits.elements, engine.optional)
        asked = Asked(
            head,
            served,
            Answers(served.name, served.version),
            identity.of(served),
            min(config.timeout_seconds, _seconds(head.parameters.get("timeout"))),
            head.parameters.get("triton_enable_empty_final_response") is True,
        )
        if len(content) <= _LONGEST_REMEMBERED:
            _remember(self._heads, content, asked)
        return asked


def _remember(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[key] = value


def _seconds(timeout: Any) -> float:
    """The parameter `timeout` is in microseconds; 0 and what is no number mean none."""
    return timeout * _MICROSECOND if isinstance(timeout, int) and timeout > 0 else float("inf")
