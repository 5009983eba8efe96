"""Whether an answer can be one at all: asked of a version that is still on trial."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits

INVALID = "AnswerInvalid"
_FLOATS = frozenset({"FP16", "BF16", "FP32", "FP64"})


class Guard:
    """Knows what the model says of its outputs."""

    def __init__(self, specs: Mapping[str, TensorSpec]) -> None:
        self._specs = specs

    def __call__(self, outputs: Mapping[str, Array], wanted: tuple[str, ...] | None) -> None:
        """Look at the outputs of one request. Raises `RequestFault` 500 `AnswerInvalid`."""
        for name in self._specs if wanted is None else wanted:
            spec, array = self._specs.get(name), outputs.get(name)
            if array is None:
                raise _invalid(f"output {name!r} is missing")
            if spec is not None:
                _check(spec, array)


def _check(spec: TensorSpec, array: Array) -> None:
    if not fits(array.shape, spec):
        raise _invalid(f"output {spec.name!r} has shape {list(array.shape)}, declared is {list(spec.shape)}")
    if spec.datatype != "BYTES" and array.dtype != dtype_of(spec.datatype):
        raise _invalid(f"output {spec.name!r} is {array.dtype}, declared is {spec.datatype}")
    if spec.datatype in _FLOATS and not np.isfinite(array).all():
        raise _invalid(f"output {spec.name!r} has numbers that are not finite")


def _invalid(message: str) -> RequestFault:
    return RequestFault(500, INVALID, message)
