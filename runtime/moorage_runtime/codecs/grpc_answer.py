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
        self._forms: dict[tuple[object, ...], _Form] = {}

    def raw(self, request_id: str, outputs: Mapping[str, Array], *, final: bool = False) -> bytes:
        """The answer, its tensors as raw bytes. `final`: say that no other follows to the same request."""
        key = (*outputs, *[(array.dtype, array.shape) for array in outputs.values()])
        form = self._forms.get(key) or self._form(key, outputs)
        parts: list[Any] = [self._start, form.tensors]
        if request_id or final:
            parts[1:1] = _more(request_id, final)
        for lead, array in zip(form.leads, outputs.values(), strict=True):
            if lead is None:
                content, size = grpc_tensors.raw(array)
                parts += (wire.lead(6, size), content)
            else:
                parts += (lead, array.tobytes())
        return b"".join(parts)

    def _form(self, key: tuple[object, ...], outputs: Mapping[str, Array]) -> _Form:
        tensors = b"".join([wire.field(5, _tensor(name, array)) for name, array in outputs.items()])
        form = _Form(tensors, tuple(map(_lead, outputs.values())))
        if len(self._forms) >= _REMEMBERED:
            self._forms.clear()
        self._forms[key] = form
        return form

    def typed(self, request_id: str, outputs: Mapping[str, Array], *, final: bool = False) -> bytes:
        """The answer, its tensors as typed contents, or as raw bytes if one of them cannot be typed."""
        if not grpc_tensors.typed(outputs):
            return self.raw(request_id, outputs, final=final)
        parts = [self._start, *_more(request_id, final)]
        for name, array in outputs.items():
            content = grpc_tensors.contents(array)
            parts.append(wire.field(5, _tensor(name, array) + wire.lead(5, len(content)) + content))
        return b"".join(parts)


class _Form:
    """What answers with tensors of the same shapes have in common: how the tensors are described, and what stands in
    front of each one's bytes (None for those that are long, or of no fixed length).
    """

    __slots__ = ("leads", "tensors")

    def __init__(self, tensors: bytes, leads: tuple[bytes | None, ...]) -> None:
        self.tensors = tensors
        self.leads = leads


def _lead(array: Array) -> bytes | None:
    small = array.dtype.kind not in "OSU" and array.nbytes <= grpc_tensors.SMALL
    return wire.lead(6, array.nbytes) if small else None


def _more(request_id: str, final: bool) -> list[bytes]:
    return [wire.field(3, request_id), _FINAL if final else b""]


def _tensor(name: str, array: Array) -> bytes:
    return wire.field(1, name) + wire.field(2, datatype_of(array)) + wire.shape(3, array.shape)


def streamed(answer: bytes) -> bytes:
    """An answer as one of a stream."""
    return wire.lead(2, len(answer)) + answer


def refused(request_id: str, message: str) -> bytes:
    """What a stream answers to a request that is refused."""
    answer = wire.field(3, request_id)
    return wire.field(1, message) + wire.lead(2, len(answer)) + answer
