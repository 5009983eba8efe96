"""Reads the requests that most clients send, checked by a decoder compiled for the model.

Names, datatypes, shapes and the types of all elements are checked while the JSON is parsed. What does not pass here is
not refused: the careful reader takes it, or says what is wrong with it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from moorage_runtime.codecs.v2 import parameters
from moorage_runtime.codecs.v2.elements import ELEMENTS
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.wire import Output
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

# As `struct` names them. Its floats refuse what is too large for them; numpy's make infinities of it.
_CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
_PACKERS = 64
_LENGTH = Annotated[int, msgspec.Meta(ge=0)]
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Kind:
    """Makes the arrays of one input."""

    __slots__ = ("_code", "_dtype", "_packers", "name")

    def __init__(self, spec: TensorSpec) -> None:
        self.name = spec.name
        self._code = _CODES.get(spec.datatype)
        self._dtype = dtype_of(spec.datatype)
        self._packers: dict[int, Callable[..., bytes]] = {}

    def flat(self, shape: tuple[int, ...], data: list[Any]) -> Array | None:
        """The array of a flat list; None when it does not fit."""
        count = len(data)
        if math.prod(shape) != count or not count:
            return None
        if self._code is None:
            return np.array(data, self._dtype).reshape(shape)
        try:
            return np.ndarray(shape, self._dtype, self._packer(count)(*data))
        except (struct.error, OverflowError):
            return None

    def nested(self, shape: tuple[int, ...], rows: list[list[Any]]) -> Array | None:
        """The array of a list of rows; None when it does not fit."""
        count, width = shape
        if len(rows) != count or any(len(row) != width for row in rows):
            return None
        return self.flat(shape, rows[0] if count == 1 else list(chain.from_iterable(rows)))

    def _packer(self, count: int) -> Callable[..., bytes]:
        packer = self._packers.get(count)
        if packer is None:
            if len(self._packers) >= _PACKERS:
                self._packers.clear()
            packer = self._packers[count] = struct.Struct(f"<{count}{self._code}").pack
        return packer


class _Form:
    """One way to write the data: flat, or as a list of rows. `kinds`: by the struct that an input is decoded to."""

    __slots__ = ("decode", "kinds", "nested")

    def __init__(self, specs: Sequence[TensorSpec], *, nested: bool) -> None:
        self.nested = nested
        structs = [_tensor(spec, nested=nested, alone=len(specs) == 1) for spec in specs]
        self.kinds = {made: _Kind(spec) for made, spec in zip(structs, specs, strict=True)}
        self.decode = _decoder(structs)


class Quick:
    """Reads requests for a model with these inputs and outputs; `most`: elements of all inputs together."""

    def __init__(self, inputs: Mapping[str, TensorSpec], outputs: parameters.Outputs, most: int) -> None:
        self._outputs = outputs
        self._most = most
        self._count = len(inputs)
        self._forms: list[_Form] = []
        specs = tuple(inputs.values())
        if specs and all(spec.datatype in _CODES or spec.datatype == "BYTES" for spec in specs):
            self._forms.append(_Form(specs, nested=False))
            if all(len(spec.shape) == 2 for spec in specs):
                self._forms.append(_Form(specs, nested=True))

    def read(self, body: Any) -> InferRequest | None:
        """The request, or None when the careful reader has to look at it. Raises `RequestFault` 400."""
        for turn, form in enumerate(self._forms):
            try:
                request = form.decode(body)
            except _REFUSALS:
                continue
            if turn:
                # A client that nests its data keeps doing so.
                self._forms.reverse()
            arrays = self._arrays(form, request.inputs)
            return None if arrays is None else self._made(arrays, request)
        return None

    def _arrays(self, form: _Form, tensors: Sequence[Any]) -> dict[str, Array] | None:
        arrays: dict[str, Array] = {}
        left = self._most
        for tensor in tensors:
            if tensor.parameters:
                return None
            kind = form.kinds[type(tensor)]
            array = (kind.nested if form.nested else kind.flat)(tensor.shape, tensor.data)
            if array is None:
                return None
            left -= array.size
            arrays[kind.name] = array
        return arrays if len(arrays) == len(tensors) == self._count and left >= 0 else None

    def _made(self, arrays: dict[str, Array], request: Any) -> InferRequest:
        if not request.outputs and not request.parameters and not self._outputs.no_json:
            return InferRequest(arrays, None, request.id)
        told = parameters.of_request(request.parameters)
        wanted, binary = self._outputs.read(request.outputs, told)
        return InferRequest(arrays, wanted, request.id, told, binary)


def _decoder(structs: Sequence[Any]) -> Callable[[Any], Any]:
    any_of: Any = reduce(or_, structs)
    inputs: Any = tuple[any_of] if len(structs) == 1 else list[any_of]
    request = msgspec.defstruct(
        "Request",
        [
            ("inputs", inputs),
            ("id", str | None, None),
            ("parameters", dict[str, Any] | None, None),
            ("outputs", list[Output] | None, None),
        ],
        gc=False,
    )
    return msgspec.json.Decoder(request).decode


def _tensor(spec: TensorSpec, *, nested: bool, alone: bool) -> Any:
    """A struct whose decoding checks everything but the number of elements; several are told apart by their names."""
    lengths: Any = tuple(_LENGTH if length < 0 else Literal[length] for length in spec.shape)
    element: Any = ELEMENTS.get(spec.datatype, int)
    fields: list[Any] = [
        ("shape", tuple[lengths]),
        ("datatype", Literal[spec.datatype]),
        ("data", list[list[element]] if nested else list[element]),
        ("parameters", dict[str, Any] | None, None),
    ]
    if alone:
        return msgspec.defstruct("Tensor", [("name", Literal[spec.name]), *fields], gc=False)
    return msgspec.defstruct("Tensor", fields, tag_field="name", tag=spec.name, gc=False)
