"""What requests ask of which model: read and checked once for all that ask the same."""

from __future__ import annotations

from typing import Any

import msgspec

from moorage_runtime.codecs import grpc_request
from moorage_runtime.codecs.grpc_answer import Answers
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.grpc import identity
from moorage_runtime.servers.grpc.status import Metadata

_REMEMBERED = 256
_LONGEST_REMEMBERED = 2048
_MICROSECOND = 1e-6


class Asked(msgspec.Struct, frozen=True, eq=False):
    """A checked head and who answers it. `timeout`: seconds that the client wants to wait at most; `final`: it asks
    to be told that no further answer comes.
    """

    head: grpc_request.Head
    served: Served
    answers: Answers
    identity: Metadata
    timeout: float
    final: bool


class Memory:
    """The heads seen of late, while the served models stay the same."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._epoch = plane.epoch
        self._known: dict[bytes, Asked] = {}

    def ask(self, head: bytes) -> Asked:
        """What a head asks. Raises `RequestFault` 400, 404, 413 or 503."""
        if self._epoch != self._plane.epoch:
            self._known.clear()
            self._epoch = self._plane.epoch
        return self._known.get(head) or self._read(head)

    def _read(self, content: bytes) -> Asked:
        head = grpc_request.read_head(content)
        served = self._plane.find(head.model, head.version)
        config = self._plane.config
        grpc_request.check(head, served.engine.inputs, served.engine.outputs, config.limits.elements)
        asked = Asked(
            head,
            served,
            Answers(served.name, served.version),
            identity.of(served),
            min(config.timeout_seconds, _seconds(head.parameters.get("timeout"))),
            head.parameters.get("triton_enable_empty_final_response") is True,
        )
        if len(content) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[content] = asked
        return asked


def _seconds(timeout: Any) -> float:
    """The parameter `timeout` is in microseconds; 0 and what is no number mean none."""
    return timeout * _MICROSECOND if isinstance(timeout, int) and timeout > 0 else float("inf")
