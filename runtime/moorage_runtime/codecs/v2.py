"""The Open Inference Protocol V2, JSON.

Strict where a wrong answer could follow (names, datatypes, shapes, ranges, ragged or missing data), tolerant of what
changes no number (unknown keys, any `parameters`). `data` may be flat in row-major order or nested as the shape says.

JSON has no NaN and no infinity: both are written as `null`, which numpy reads back as NaN. A model that tells its
infinities apart needs the binary tensor extension.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec, datatype_of, dtype_of, fits

INVALID = "InvalidRequest"
_ELEMENTS: dict[str, type] = {"BOOL": bool, "BYTES": str, "FP16": float, "FP32": float, "FP64": float}
_WHITE = b" \t\r\n"


class _Tensor(msgspec.Struct, gc=False):
    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw
    parameters: dict[str, Any] | None = None


class _Expected(msgspec.Struct, gc=False):
    name: str
    data: msgspec.Raw
    shape: list[int] | None = None
    datatype: str | None = None


class _Output(msgspec.Struct, gc=False):
    name: str
    parameters: dict[str, Any] | None = None


class _Request(msgspec.Struct, gc=False):
    inputs: list[_Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[_Output] | None = None


class InferRequest(msgspec.Struct, frozen=True):
    """One request, decoded and checked: tensors by input name, and the wanted outputs (None: all of them)."""

    inputs: dict[str, Array]
    outputs: tuple[str, ...] | None = None
    id: str | None = None


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_expected = msgspec.json.Decoder(list[_Expected]).decode
_encode = msgspec.json.Encoder().encode


def decode_infer(body: bytes, inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec]) -> InferRequest:
    """Read an inference request for a model with these inputs and outputs.

    Raises `RequestFault` 400 whose message starts with the field's path, such as `inputs[0].shape`.
    """
    try:
        request = _decode_request(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error, "") from error
    except RecursionError as error:
        raise _invalid("the body nests too deeply") from error
    return InferRequest(_tensors(request.inputs, inputs), _wanted(request.outputs, outputs), request.id)


def decode_expected(body: bytes, outputs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Read a list of V2 tensors, each an output of the model, as a test request expects them. Raises `RequestFault`.

    `datatype` may be absent: the output's own. `shape` may be absent: as the data is nested, or, for flat data, the
    output's own with its one open length taken from the number of elements.
    """
    try:
        sent = _decode_expected(body)
    except msgspec.DecodeError as error:
        raise _malformed(error, "expect") from error
    arrays: dict[str, Array] = {}
    for index, told in enumerate(sent):
        path, spec = f"expect[{index}]", outputs.get(told.name)
        if spec is None:
            raise _invalid(f"{path}.name: the model has no output {told.name!r}; it gives {_names(outputs)}")
        shape = _shape_of(told.data, spec, path) if told.shape is None else told.shape
        tensor = _Tensor(told.name, shape, told.datatype or spec.datatype, told.data)
        arrays[told.name] = _array(tensor, spec, path)
    return arrays


def _shape_of(raw: msgspec.Raw, spec: TensorSpec, path: str) -> list[int]:
    data = msgspec.json.decode(raw)
    if _is_nested(raw):
        try:
            return list(np.shape(data))
        except ValueError as error:
            raise _invalid(f"{path}.data: the rows differ in length") from error
    if list(spec.shape).count(-1) > 1:
        raise _invalid(f"{path}.shape: is needed, the model leaves more than one length of {spec.name!r} open")
    known = math.prod(length for length in spec.shape if length >= 0)
    return [len(data) // max(known, 1) if length < 0 else length for length in spec.shape]


def _tensors(sent: Sequence[_Tensor], specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for index, tensor in enumerate(sent):
        spec = specs.get(tensor.name)
        if spec is None:
            raise _invalid(f"inputs[{index}].name: the model has no input {tensor.name!r}; it takes {_names(specs)}")
        if tensor.name in arrays:
            raise _invalid(f"inputs[{index}].name: {tensor.name!r} is given twice")
        arrays[tensor.name] = _array(tensor, spec, f"inputs[{index}]")
    if len(arrays) != len(specs):
        missing = ", ".join(repr(name) for name in specs if name not in arrays)
        raise _invalid(f"inputs: {missing} is missing; the model takes {_names(specs)}")
    return arrays


def _wanted(sent: Sequence[_Output] | None, specs: Mapping[str, TensorSpec]) -> tuple[str, ...] | None:
    if not sent:
        return None
    names = tuple(output.name for output in sent)
    for index, name in enumerate(names):
        if name not in specs:
            raise _invalid(f"outputs[{index}].name: the model has no output {name!r}; it gives {_names(specs)}")
        if name in names[:index]:
            raise _invalid(f"outputs[{index}].name: {name!r} is asked for twice")
    return names


def _array(tensor: _Tensor, spec: TensorSpec, path: str) -> Array:
    if tensor.datatype != spec.datatype:
        raise _invalid(f"{path}.datatype: {tensor.datatype!r} is sent, the model takes {spec.datatype}")
    shape = tuple(tensor.shape)
    if min(shape, default=0) < 0 or not fits(shape, spec):
        raise _invalid(f"{path}.shape: {list(shape)} is sent, the model takes {list(spec.shape)}")
    return parse_data(tensor.data, spec.datatype, shape, f"{path}.data")


def parse_data(raw: msgspec.Raw, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """Elements of JSON text, flat or nested, as an array of exactly this datatype and shape. Raises `RequestFault`."""
    try:
        data = _data_decoder(datatype, len(shape) if _is_nested(raw) else 1)(raw)
        with np.errstate(over="raise"):
            array = np.array(data, dtype_of(datatype))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error, path) from error
    except (OverflowError, FloatingPointError) as error:
        raise _invalid(f"{path}: a number does not fit {datatype}") from error
    except ValueError as error:
        raise _invalid(f"{path}: the rows differ in length") from error
    if array.ndim > 1 and array.shape != shape and array.size:
        raise _invalid(f"{path}: nested as {list(array.shape)}, the shape says {list(shape)}")
    if array.size != math.prod(shape):
        raise _invalid(f"{path}: {array.size} elements, the shape {list(shape)} needs {math.prod(shape)}")
    return array.reshape(shape)


def _is_nested(raw: msgspec.Raw) -> bool:
    start = bytes(memoryview(raw)[:64]).lstrip(_WHITE)[1:].lstrip(_WHITE)
    return start[:1] == b"["


@cache
def _data_decoder(datatype: str, depth: int) -> Any:
    kind: Any = _ELEMENTS.get(datatype, int)
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind).decode


def encode_infer(model: str, version: str, request_id: str | None, outputs: Mapping[str, Array]) -> bytes:
    """The answer to an inference request, data flat in row-major order."""
    answer: dict[str, Any] = {"model_name": model, "model_version": version}
    if request_id is not None:
        answer["id"] = request_id
    answer["outputs"] = [_output(name, array) for name, array in outputs.items()]
    return _encode(answer)


def _output(name: str, array: Array) -> dict[str, Any]:
    datatype = datatype_of(array)
    data = array.ravel().tolist()
    if datatype == "BYTES":
        data = [item.decode(errors="replace") if isinstance(item, bytes) else str(item) for item in data]
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": data}


def encode_metadata(
    model: str, version: str, platform: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> bytes:
    """The model's metadata document."""
    return _encode({"name": model, "versions": [version], "platform": platform, "inputs": inputs, "outputs": outputs})


def _names(specs: Mapping[str, TensorSpec]) -> str:
    return ", ".join(repr(name) for name in specs)


def _invalid(message: str) -> RequestFault:
    return RequestFault(400, INVALID, message)


def _malformed(error: Exception, prefix: str) -> RequestFault:
    """msgspec puts the path last, as `$.inputs[0].name`; a reader wants it first and in the request's own words."""
    text, _, path = str(error).partition(" - at `$")
    where = prefix + path.rstrip("`")
    return _invalid(f"{where.lstrip('.')}: {text}" if where else text)
