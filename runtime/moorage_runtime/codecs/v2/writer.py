"""Writes the answers to inference requests of one model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.codecs.v2 import blobs, elements
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.tensors import Array, datatype_of

_SHAPES = 256
_encode = msgspec.json.Encoder().encode


class Writer:
    """Compiled once for a model and its version: what repeats in its answers is put together once."""

    def __init__(self, model: str, version: str) -> None:
        self._start = b'{"model_name":%b,"model_version":%b,' % (_encode(model), _encode(version))
        self._plain = self._start + b'"outputs":['
        self._heads: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def write(self, request: InferRequest, outputs: Mapping[str, Array]) -> tuple[bytes, int | None]:
        """The body of the answer, and the length of its JSON when binary tensors follow it (None: all is JSON)."""
        parts: list[Any] = [self._plain if request.id is None else self._named(request.id)]
        binary = request.binary
        tail: list[Any] = []
        comma = b""
        for name, array in outputs.items():
            parts += (comma, self._head(name, array))
            if binary and name in binary:
                blob, size = blobs.write(array)
                parts.append(b'"parameters":{"binary_data_size":%d}}' % size)
                tail.append(blob)
            else:
                parts += (b'"data":', elements.write(array), b"}")
            comma = b","
        parts.append(b"]}")
        if not tail:
            return b"".join(parts), None
        length = sum(map(len, parts))
        return b"".join(parts + tail), length

    def _named(self, request_id: str) -> bytes:
        return b'%b"id":%b,"outputs":[' % (self._start, _encode(request_id))

    def _head(self, name: str, array: Array) -> bytes:
        """All of an output that comes before its data. An output's datatype is always the same, its shape is not."""
        key = (name, array.shape)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= _SHAPES:
                self._heads.clear()
            told = _encode({"name": name, "datatype": datatype_of(array), "shape": array.shape})
            head = self._heads[key] = told[:-1] + b","
        return head
