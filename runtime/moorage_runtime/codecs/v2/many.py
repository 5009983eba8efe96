"""Reads requests whose JSON is mostly the numbers of one input."""

from __future__ import annotations

import math
import re
from typing import Any

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.v2.compiled import Compiled
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

_DATA = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(\[)?')
_END = re.compile(rb"\][ \t\r\n]*\]")
_ROWS = 2


class Many:
    """For a model with this one input; `compiled`: reads flat data."""

    __slots__ = ("_decode", "_dtype", "_name", "_nests")

    def __init__(self, spec: TensorSpec, compiled: Compiled) -> None:
        self._name = spec.name
        self._dtype = dtype_of(spec.datatype)
        self._nests = len(spec.shape) == _ROWS
        self._decode = compiled.decode

    def read(self, body: bytes) -> tuple[Any, dict[str, Array]] | None:
        """The request without its numbers, and these; None when another has to look at it. Raises as msgspec does."""
        found = _DATA.search(body)
        if found is None:
            return None
        start = body.index(b"[", found.start())
        if found[1] is None:
            stop = body.find(b"]", start) + 1
        else:
            end = _END.search(body, start) if self._nests else None
            stop = end.end() if end is not None else 0
        rest = b"%b[]%b" % (body[:start], body[stop:])
        # An escaped name could be a second `data`.
        if not stop or b"\\" in rest or rest.count(b'"data"') != 1:
            return None
        return self._filled(self._decode(rest), body[start:stop], nested=found[1] is not None)

    def _filled(self, request: Any, text: bytes, *, nested: bool) -> tuple[Any, dict[str, Array]] | None:
        tensor = request.inputs[0]
        if tensor.parameters:
            return None
        array = numbers.read(text, self._dtype, _ROWS if nested else 1)
        if array is None:
            return None
        shape = tensor.shape
        if array.size != math.prod(shape) or (nested and array.shape != shape):
            return None
        return request, {self._name: array if nested else array.reshape(shape)}
