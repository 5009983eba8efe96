"""ModelInferResponse and ModelStreamInferResponse: tensors to a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_runtime.codecs import grpc_tensors
from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.codecs.grpc_parameters import parameter
from moorage_runtime.tensors import Array, datatype_of

# Shapes follow those of the requests: the usual ones are remembered, not every one that somebody made up.
_REMEMBERED = 256
# What Triton's clients wait for when they ask for an end of the stream: every answer here is the last to its request.
_FINAL = wire.lead(4, len(parameter("triton_final_response", True))) + parameter("triton_final_response", True)


class Answers:
    """Writes the answers of one version of one model."""

    def __init__(self, model: str, version: str) -> None:
        self._start = wire.field(1, model) + wire.field(2, version)
        self._tensors: dict[tuple[object, ...], bytes] = {}

    def raw(self, request_id: str, outputs: Mapping[str, Array], *, final: bool = False) -> bytes:
        """The answer, its tensors as raw bytes. `final`: say that no other follows to the same request."""
        parts = self._begin(request_id, final)
        contents: list[Any] = []
        for name, array in outputs.items():
            parts.append(self._output(name, array))
            size, content = grpc_tensors.raw(array)
            contents.append(wire.lead(6, size))
            contents.append(content)
        return b"".join(parts + contents)

    def typed(self, request_id: str, outputs: Mapping[str, Array], *, final: bool = False) -> bytes:
        """The answer, its tensors as typed contents, or as raw bytes if one of them cannot be typed."""
        if not grpc_tensors.typed(outputs):
            return self.raw(request_id, outputs, final=final)
        parts = self._begin(request_id, final)
        for name, array in outputs.items():
            content = grpc_tensors.contents(array)
            parts.append(wire.field(5, _tensor(name, array) + wire.lead(5, len(content)) + content))
        return b"".join(parts)

    def _begin(self, request_id: str, final: bool) -> list[bytes]:
        parts = [self._start]
        if request_id:
            parts.append(wire.field(3, request_id))
        if final:
            parts.append(_FINAL)
        return parts

    def _output(self, name: str, array: Array) -> bytes:
        key = (name, array.dtype, array.shape)
        known = self._tensors.get(key)
        if known is None:
            known = wire.field(5, _tensor(name, array))
            if len(self._tensors) >= _REMEMBERED:
                self._tensors.clear()
            self._tensors[key] = known
        return known


def _tensor(name: str, array: Array) -> bytes:
    return wire.field(1, name) + wire.field(2, datatype_of(array)) + wire.shape(3, array.shape)


def streamed(answer: bytes) -> bytes:
    """An answer as one of a stream."""
    return wire.lead(2, len(answer)) + answer


def refused(request_id: str, message: str) -> bytes:
    """What a stream answers to a request that is refused."""
    answer = wire.field(3, request_id)
    return wire.field(1, message) + wire.lead(2, len(answer)) + answer
