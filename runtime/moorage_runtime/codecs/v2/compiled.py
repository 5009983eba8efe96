"""Decoders of requests that are compiled for one model.

They check names, datatypes, shapes and the types of all elements while the JSON is parsed; the number of elements is
left to check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

import msgspec

from moorage_runtime.codecs.v2.elements import ELEMENTS
from moorage_runtime.codecs.v2.kind import Kind
from moorage_runtime.codecs.v2.wire import Output
from moorage_runtime.tensors import TensorSpec

_LENGTH = Annotated[int, msgspec.Meta(ge=0)]


class Form(Enum):
    """How the elements come: as a flat list, as a list of rows, or as binary tensors all of them."""

    FLAT = 1
    NESTED = 2
    BINARY = 3


class _Blob(msgspec.Struct, gc=False):
    binary_data_size: _LENGTH
    shared_memory_region: msgspec.UnsetType | None = msgspec.UNSET


class Compiled:
    """Reads requests of one form. `kinds`: by the struct that an input is decoded to."""

    __slots__ = ("decode", "form", "kinds")

    def __init__(self, specs: Sequence[TensorSpec], form: Form) -> None:
        structs = [_tensor(spec, form, alone=len(specs) == 1) for spec in specs]
        self.form = form
        self.kinds = {made: Kind(spec) for made, spec in zip(structs, specs, strict=True)}
        self.decode = _decoder(structs)


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
    lengths: Any = tuple(_LENGTH if length < 0 else Literal[length] for length in spec.shape)
    fields: list[Any] = [("shape", tuple[lengths]), ("datatype", Literal[spec.datatype]), *_content(spec, form)]
    if alone:
        return msgspec.defstruct("Tensor", [("name", Literal[spec.name]), *fields], gc=False)
    return msgspec.defstruct("Tensor", fields, tag_field="name", tag=spec.name, gc=False)


def _content(spec: TensorSpec, form: Form) -> list[Any]:
    if form is Form.BINARY:
        # Data beside a size is refused, by whom can say so.
        return [("parameters", _Blob), ("data", msgspec.UnsetType | None, msgspec.UNSET)]
    element: Any = ELEMENTS.get(spec.datatype, int)
    data = list[list[element]] if form is Form.NESTED else list[element]
    return [("data", data), ("parameters", dict[str, Any] | None, None)]
