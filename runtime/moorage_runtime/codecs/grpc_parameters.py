"""Parameters: what a client may say of a request or of one of its tensors, by name."""

from __future__ import annotations

from moorage_runtime.codecs import grpc_wire as wire

Parameter = bool | int | float | str | None
_BOOL, _INT64, _STRING, _DOUBLE, _UINT64 = 1, 2, 3, 4, 5
_KIND = {_BOOL: wire.VARINT, _INT64: wire.VARINT, _STRING: wire.LENGTH, _DOUBLE: wire.FIXED64, _UINT64: wire.VARINT}


def read_parameter(data: bytes, at: int, stop: int) -> tuple[str, Parameter]:
    """One entry of a parameters map: its name, and its value (None: the entry has none). Raises `RequestFault` 400."""
    name: str = ""
    value: Parameter = None
    for number, kind, start, end in wire.fields(data, at, stop):
        if number == 1 and kind == wire.LENGTH:
            name = wire.text(data, start, end)
        elif number == 2 and kind == wire.LENGTH:
            value = _value(data, start, end)
    return name, value


def _value(data: bytes, at: int, stop: int) -> Parameter:
    value: Parameter = None
    for number, kind, start, end in wire.fields(data, at, stop):
        if kind == _KIND.get(number):
            value = _choice(data, number, start, end)
    return value


def _choice(data: bytes, number: int, start: int, end: int) -> Parameter:
    if number == _STRING:
        return wire.text(data, start, end)
    if number == _DOUBLE:
        return wire.double(data, start)
    value = wire.read_varint(data, start, end)[0]
    if number == _BOOL:
        return bool(value)
    return wire.signed(value) if number == _INT64 else value


def parameter(name: str, value: bool) -> bytes:
    """One entry of a parameters map, holding a bool."""
    # A choice is there even when it is false.
    content = wire.varint(_BOOL << 3) + bytes((value,))
    return wire.field(1, name) + wire.lead(2, len(content)) + content
