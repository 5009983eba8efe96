"""The commonest body, `{"instances": [[...], ...]}` of numbers for the one input, read in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.v1.nested import lists
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits

# Nobody means more blanks than these, and to walk over megabytes of them takes its time.
_START = re.compile(rb'[ \t\r\n]{0,64}+\{[ \t\r\n]{0,64}+"instances"[ \t\r\n]{0,64}+:[ \t\r\n]{0,64}+(?=\[)').match
_DEEPEST = 2


class PlainRows:
    """Reads bodies for one input; `elements`: at most."""

    def __init__(self, spec: TensorSpec, elements: int) -> None:
        self._spec = spec
        self._elements = elements
        self._dtype = dtype_of(spec.datatype)
        self._many = numbers.readable(self._dtype) and len(spec.shape) <= _DEEPEST
        rows = msgspec.defstruct(
            "Rows", [("instances", lists(spec.datatype, len(spec.shape)))], forbid_unknown_fields=True
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(rows).decode

    def read(self, body: bytes) -> dict[str, Array] | None:
        """The input, if the body is plainly right; None for any other, which somebody else must look at."""
        spec = self._spec
        if spec.datatype == "BYTES":
            return None
        array = self._numbers(body) if self._many and len(body) > numbers.FEW_BYTES else None
        if array is not None and fits(array.shape, spec) and array.size <= self._elements:
            return {spec.name: array}
        try:
            array = np.array(self._decode(body).instances, self._dtype)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
            return None
        return {spec.name: array} if fits(array.shape, spec) and 0 < array.size <= self._elements else None

    def _numbers(self, body: bytes) -> Array | None:
        start = _START(body)
        text = body if body.endswith(b"}") else body.rstrip()
        if start is None or not text.endswith(b"}"):
            return None
        return numbers.read(text[start.end() : -1], self._dtype, len(self._spec.shape))
