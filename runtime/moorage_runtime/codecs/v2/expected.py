"""Tensors that a test request expects as the model's answer."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from moorage_runtime.codecs.v2 import elements, wire
from moorage_runtime.codecs.v2.careful import shape_of
from moorage_runtime.codecs.v2.request import invalid, malformed
from moorage_runtime.codecs.words import names
from moorage_runtime.steps import finish
from moorage_runtime.tensors import Array, TensorSpec


class _Expected(msgspec.Struct, gc=False):
    name: str
    data: msgspec.Raw
    shape: list[int] | None = None
    datatype: str | None = None


_decode = msgspec.json.Decoder(list[_Expected]).decode


def read(body: bytes, outputs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Read a JSON list of V2 tensors, each an output of the model. Raises `RequestFault` 400.

    `datatype` may be absent: the output's own. `shape` may be absent: as the data is nested, or, for flat data, the
    output's own with its one open length taken from the number of elements.
    """
    try:
        sent = _decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise malformed(error, "expect") from error
    arrays: dict[str, Array] = {}
    for index, told in enumerate(sent):
        path, spec = f"expect[{index}]", outputs.get(told.name)
        if spec is None:
            raise invalid(f"{path}.name: the model has no output {told.name!r}; it gives {names(outputs)}")
        shape = _shape(told.data, spec, path) if told.shape is None else told.shape
        tensor = wire.Tensor(told.name, shape, told.datatype or spec.datatype)
        steps = elements.read(told.data, spec.datatype, shape_of(tensor, spec, path), f"{path}.data")
        arrays[told.name] = finish(steps)
    return arrays


def _shape(raw: msgspec.Raw, spec: TensorSpec, path: str) -> list[int]:
    data = msgspec.json.decode(raw)
    if elements.is_nested(memoryview(raw)):
        try:
            return list(np.shape(data))
        except ValueError as error:
            raise invalid(f"{path}.data: the rows differ in length") from error
    if not isinstance(data, list):
        raise invalid(f"{path}.data: Expected `array`")
    if list(spec.shape).count(-1) > 1:
        raise invalid(f"{path}.shape: is needed, the model leaves more than one length of {spec.name!r} open")
    known = math.prod(length for length in spec.shape if length >= 0)
    return [len(data) // max(known, 1) if length < 0 else length for length in spec.shape]
