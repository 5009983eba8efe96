"""Decoders of requests that are compiled for one model.

They check names, datatypes, shapes and the types of all elements while the JSON is parsed; the number of elements is
left to check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import reduce
from operator import or_
from typing import Any, Literal

import msgspec

from moorage_runtime.codecs.v2.blobs import Body
from moorage_runtime.codecs.v2.elements import ELEMENTS
from moorage_runtime.codecs.v2.kind import Kind
from moorage_runtime.codecs.v2.wire import Blob, Length, Output
from moorage_runtime.tensors import Array, TensorSpec

Take = Callable[[tuple[int, ...], Any], Array | None]


class Form(Enum):
    """How the elements come: as a flat list, as a list of rows, or as binary tensors all of them."""

    FLAT = 1
    NESTED = 2
    BINARY = 3


class Compiled:
    """Reads requests of one form. `decode` gives one with `inputs`, of which `arrays` and `laid` make tensors, or None
    when there is anything to look at more closely.
    """

    __slots__ = ("_kinds", "_takes", "arrays", "decode")

    def __init__(self, specs: Sequence[TensorSpec], form: Form) -> None:
        structs = [_tensor(spec, form, alone=len(specs) == 1) for spec in specs]
        self._kinds = {made: Kind(spec) for made, spec in zip(structs, specs, strict=True)}
        takes = {made: kind.nested if form is Form.NESTED else kind.flat for made, kind in self._kinds.items()}
        self._takes = takes
        self.arrays = _one(specs[0].name, takes[structs[0]]) if len(specs) == 1 else self._several
        self.decode = _decoder(structs)

    def _several(self, tensors: Sequence[Any]) -> dict[str, Array] | None:
        arrays: dict[str, Array] = {}
        for tensor in tensors:
            array = None if tensor.parameters else self._takes[type(tensor)](tensor.shape, tensor.data)
            if array is None:
                return None
            arrays[self._kinds[type(tensor)].name] = array
        return arrays if len(arrays) == len(tensors) == len(self._kinds) else None

    def laid(self, tensors: Sequence[Any], body: Body, at: int) -> dict[str, Array] | None:
        """The binary tensors that follow each other from `at` to the end of the body."""
        arrays: dict[str, Array] = {}
        for tensor in tensors:
            told, kind = tensor.parameters, self._kinds[type(tensor)]
            if tensor.data is None or told.shared_memory_region is None:
                return None
            array = kind.blob(body, at, told.binary_data_size, tensor.shape)
            if array is None:
                return None
            at += told.binary_data_size
            arrays[kind.name] = array
        return arrays if len(arrays) == len(tensors) == len(self._kinds) and at == len(body) else None


def _one(name: str, take: Take) -> Callable[[Sequence[Any]], dict[str, Array] | None]:
    """Most models have one input, most requests are for them."""

    def arrays(tensors: Sequence[Any]) -> dict[str, Array] | None:
        tensor = tensors[0]
        array = None if tensor.parameters else take(tensor.shape, tensor.data)
        return None if array is None else {name: array}

    return arrays


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


def _tensor(spec: TensorSpec, form: Form, *, alone: bool) -> Any:
    """What an input is decoded to; several inputs are told apart by their names."""
    lengths: Any = tuple(Length if length < 0 else Literal[length] for length in spec.shape)
    fields: list[Any] = [("shape", tuple[lengths]), ("datatype", Literal[spec.datatype]), *_content(spec, form)]
    if alone:
        return msgspec.defstruct("Tensor", [("name", Literal[spec.name]), *fields], gc=False)
    return msgspec.defstruct("Tensor", fields, tag_field="name", tag=spec.name, gc=False)


def _content(spec: TensorSpec, form: Form) -> list[Any]:
    if form is Form.BINARY:
        # Data beside a size is refused, by whom can say so.
        return [("parameters", Blob), ("data", msgspec.UnsetType | None, msgspec.UNSET)]
    element: Any = ELEMENTS.get(spec.datatype, int)
    data = list[list[element]] if form is Form.NESTED else list[element]
    return [("data", data), ("parameters", dict[str, Any] | None, None)]
