"""A request's JSON as it is written, before it is known to fit the model."""

from __future__ import annotations

from typing import Any

import msgspec

from moorage_runtime.codecs.v2.request import malformed

ABSENT = msgspec.Raw(b"")


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


class Request(msgspec.Struct, gc=False):
    """The whole of it."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Output] | None = None


_decode = msgspec.json.Decoder(Request).decode


def read(text: bytes | bytearray | memoryview) -> Request:
    """Read the JSON of a request. Raises `RequestFault` 400."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from error
