"""A request's JSON as it is written, before it is known to fit the model."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from moorage_runtime.codecs.v2.request import malformed
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps

ABSENT = msgspec.Raw(b"")
Length = Annotated[int, msgspec.Meta(ge=0)]


class Tensor(msgspec.Struct, gc=False):
    """One tensor; `data` is its JSON text, empty when it comes as a binary tensor."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = ABSENT
    parameters: dict[str, Any] | None = None


class Output(msgspec.Struct, gc=False):
    """One output that the client wants."""

    name: str
    parameters: dict[str, Any] | None = None


class Blob(msgspec.Struct, gc=False):
    """What is said of a binary tensor: its bytes behind the JSON."""

    binary_data_size: Length
    shared_memory_region: msgspec.UnsetType | None = msgspec.UNSET


class Request(msgspec.Struct, gc=False):
    """The whole of it."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Output] | None = None


class _Sides(msgspec.Struct, gc=False):
    parameters: msgspec.Raw = ABSENT


_PARAMETERS_BYTES = 64 << 10
_decode_sides = msgspec.json.Decoder(_Sides).decode
_decode = msgspec.json.Decoder(Request).decode


def read(text: bytes | bytearray | memoryview) -> Request:
    """Read the JSON of a request. Raises `RequestFault` 400."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from error


def read_large(text: bytes | bytearray | memoryview) -> Steps[Request]:
    """The same for a long text, of which only the tensors' data may be long, in steps. Raises `RequestFault` 400 or
    413.
    """
    try:
        size = len(memoryview(_decode_sides(text).parameters))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from error
    if size > _PARAMETERS_BYTES:
        raise RequestFault(413, "JsonTooLarge", f"parameters: may have {_PARAMETERS_BYTES} bytes of JSON")
    yield
    return read(text)
