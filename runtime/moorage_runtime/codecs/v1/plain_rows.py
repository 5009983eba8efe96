"""The commonest body, `{"instances": [[...], ...]}` of numbers for the one input, read in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.v1.nested import lists
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits


class PlainRows:
    """Reads bodies for one input; `elements`: at most."""

    def __init__(self, spec: TensorSpec, elements: int) -> None:
        self._spec = spec
        self._elements = elements
        rows = msgspec.defstruct(
            "Rows", [("instances", lists(spec.datatype, len(spec.shape)))], forbid_unknown_fields=True
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(rows).decode

    def read(self, body: bytes) -> dict[str, Array] | None:
        """The input, if the body is plainly right; None for any other, which somebody else must look at."""
        spec = self._spec
        if spec.datatype == "BYTES":
            return None
        try:
            array = np.array(self._decode(body).instances, dtype_of(spec.datatype))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
            return None
        return {spec.name: array} if fits(array.shape, spec) and 0 < array.size <= self._elements else None
