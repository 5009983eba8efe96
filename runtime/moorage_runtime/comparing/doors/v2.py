"""Answers of the Open Inference Protocol V2: JSON, with binary tensors behind it or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.v2 import blobs
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Reply
from moorage_runtime.tensors import Array, dtype_of


class _Output(msgspec.Struct, gc=False):
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class _Response(msgspec.Struct, gc=False):
    outputs: list[_Output]


_JSON_LENGTH = b"inference-header-content-length"
_FLOAT: set[type] = {float, int, type(None)}
_WHOLE: set[type] = {int}
_ELEMENTS: dict[str, set[type]] = {"BYTES": {str}, "BOOL": {bool}, "FP16": _FLOAT, "FP32": _FLOAT, "FP64": _FLOAT}
_decode = msgspec.json.Decoder(_Response).decode


def read(reply: Reply, _naming: Naming) -> list[Tensor]:
    """The tensors of an answer. Raises `Unreadable`."""
    length = reply.headers.get(_JSON_LENGTH)
    try:
        at = int(length) if length is not None else len(reply.body)
        told = _decode(memoryview(reply.body)[:at])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable("the answer is no JSON with outputs") from error
    return list(_tensors(told, reply.body, at))


def _tensors(told: _Response, body: bytes, at: int) -> Iterator[Tensor]:
    """`at`: where the first binary tensor begins."""
    for output in told.outputs:
        size = (output.parameters or {}).get("binary_data_size")
        try:
            if isinstance(size, int):
                array = blobs.read(body, at, size, output.datatype, output.shape, output.name)
                at += size
            else:
                array = _listed(output)
        except (RequestFault, KeyError, ValueError, TypeError, OverflowError) as error:
            raise Unreadable(f"the output {output.name!r} does not hold what its datatype and shape say") from error
        yield Tensor(output.name, output.name, output.datatype, array)


def _listed(output: _Output) -> Array:
    """`null` is NaN, as numpy has it. Raises `ValueError` for elements of another type than the datatype's."""
    data: Any = output.data
    kinds = set(map(type, data)) if isinstance(data, list) else {type(data)}
    if list in kinds:
        data = np.array(data, np.object_)
        kinds = set(map(type, data.ravel().tolist()))
    if not kinds <= _ELEMENTS.get(output.datatype, _WHOLE):
        raise ValueError(output.datatype)
    with np.errstate(all="ignore"):
        return np.asarray(data, dtype_of(output.datatype)).reshape(output.shape)
