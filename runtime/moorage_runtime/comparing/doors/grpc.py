"""ModelInferResponse: the answers of gRPC, and of its unary calls over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from moorage_runtime.codecs import grpc_tensors
from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Reply
from moorage_runtime.tensors import Array

_OUTPUT, _RAW = 5, 6
_NAME, _DATATYPE, _SHAPE, _CONTENTS = 1, 2, 3, 5


def read(reply: Reply, _naming: Naming) -> list[Tensor]:
    """The tensors of an answer. Raises `Unreadable`."""
    try:
        return _tensors(reply.body)
    except (RequestFault, KeyError, ValueError) as error:
        raise Unreadable("the answer is no ModelInferResponse, or a tensor not what its shape says") from error


def _tensors(data: bytes) -> list[Tensor]:
    outputs: list[wire.Span] = []
    raws: list[wire.Span] = []
    for number, kind, start, stop in wire.fields(data, 0, len(data)):
        if kind == wire.LENGTH and number in (_OUTPUT, _RAW):
            (outputs if number == _OUTPUT else raws).append((start, stop))
    if raws and len(raws) != len(outputs):
        raise ValueError("raw contents are not as many as outputs")
    return [_tensor(data, span, raws[at] if raws else None) for at, span in enumerate(outputs)]


def _tensor(data: bytes, span: wire.Span, raw: wire.Span | None) -> Tensor:
    name = datatype = ""
    shape: list[int] = []
    contents: list[wire.Span] = []
    for number, kind, start, stop in wire.fields(data, *span):
        if number == _NAME:
            name = wire.text(data, start, stop)
        elif number == _DATATYPE:
            datatype = wire.text(data, start, stop)
        elif number == _SHAPE:
            shape += _lengths(data, start, stop)
        elif number == _CONTENTS and kind == wire.LENGTH:
            contents.append((start, stop))
    return Tensor(name, name, datatype, _array(data, raw, contents, datatype, tuple(shape)))


def _array(
    data: bytes, raw: wire.Span | None, contents: Sequence[wire.Span], datatype: str, shape: tuple[int, ...]
) -> Array:
    if raw is not None:
        return grpc_tensors.read_raw(data, raw, datatype, shape, "output")
    return grpc_tensors.read_contents(data, contents, datatype, shape, "output")


def _lengths(data: bytes, at: int, stop: int) -> list[int]:
    found = []
    while at < stop:
        length, at = wire.read_varint(data, at, stop)
        if wire.signed(length) < 0:
            raise ValueError("a length below zero")
        found.append(length)
    return found
