"""Reads the requests that most clients send, by decoders compiled for the model.

What does not pass here is not refused: the careful reader takes it, or says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.v2 import parameters
from moorage_runtime.codecs.v2.blobs import Body
from moorage_runtime.codecs.v2.compiled import Compiled, Form
from moorage_runtime.codecs.v2.kind import Kind
from moorage_runtime.codecs.v2.many import Many
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Quick:
    """Reads requests for a model with these inputs and outputs; `most`: elements of all inputs together."""

    def __init__(self, inputs: Mapping[str, TensorSpec], outputs: parameters.Outputs, most: int) -> None:
        self._outputs = outputs
        self._most = most
        specs = tuple(inputs.values())
        self._json = [Compiled(specs, form) for form in _json_forms(specs)]
        flat = bool(self._json) and len(specs) == 1 and numbers.readable(dtype_of(specs[0].datatype))
        self._many = Many(specs[0], self._json[0]) if flat else None
        binary = bool(specs) and all(Kind(spec).binary for spec in specs)
        self._binary = Compiled(specs, Form.BINARY) if binary else None

    def read(self, body: Body) -> InferRequest | None:
        """The request, or None when the careful reader has to look at it. Raises `RequestFault` 400."""
        if len(body) > numbers.FEW_BYTES and self._many is not None and body.__class__ is bytes:
            found = self._read_many(body)
            if found is not None:
                return found
        for compiled in self._json:
            try:
                request = compiled.decode(body)
            except _REFUSALS:
                continue
            if compiled is not self._json[0]:
                # A client that nests its data keeps doing so.
                self._json.reverse()
            return self._made(compiled.arrays(request.inputs), request, len(body))
        return None

    def _read_many(self, body: bytes) -> InferRequest | None:
        assert self._many is not None  # noqa: S101 - asked by who calls
        try:
            found = self._many.read(body)
        except _REFUSALS:
            return None
        return None if found is None else self._made(found[1], found[0], len(body))

    def read_binary(self, body: Body, json_length: int) -> InferRequest | None:
        """The same for a request whose inputs follow its JSON."""
        if self._binary is None:
            return None
        try:
            request = self._binary.decode(body[:json_length])
        except _REFUSALS:
            return None
        return self._made(self._binary.laid(request.inputs, body, json_length), request, len(body))

    def _made(self, arrays: dict[str, Array] | None, request: Any, size: int) -> InferRequest | None:
        # An element has at least one byte of the body.
        if arrays is None or (size > self._most and not self._few(arrays)):
            return None
        if not request.parameters and not request.outputs and not self._outputs.no_json:
            return InferRequest(arrays, None, request.id)
        told = parameters.of_request(request.parameters)
        wanted, binary = self._outputs.read(request.outputs, told)
        return InferRequest(arrays, wanted, request.id, told, binary)

    def _few(self, arrays: dict[str, Array]) -> bool:
        return sum(array.size for array in arrays.values()) <= self._most


def _json_forms(specs: Sequence[TensorSpec]) -> list[Form]:
    if not specs or not all(Kind(spec).json for spec in specs):
        return []
    return [Form.FLAT, Form.NESTED] if all(len(spec.shape) == 2 for spec in specs) else [Form.FLAT]
