"""grpc.reflection.v1alpha: lets tools such as grpcurl find out what this server speaks. Off unless asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.servers.grpc.conversation import Ask, Conversation
from moorage_runtime.servers.grpc.status import Code
from moorage_runtime.servers.http2.stream import Stream

# What protoc says of the .proto files beside it.
DESCRIBED = Path(__file__).with_name("protocol") / "described.binpb"
_METHOD = b"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_BY_NAME, _BY_SYMBOL, _EXTENSION, _EXTENSIONS, _SERVICES = 3, 4, 5, 6, 7


class _Said(msgspec.Struct):
    """An answer that was there at once."""

    answer: bytes | None

    def leave(self) -> None:
        """Nothing goes on."""


class Descriptions:
    """Files by their names and by what they define. Imports google.protobuf."""

    def __init__(self, content: bytes) -> None:
        from google.protobuf import descriptor_pb2

        self._files: dict[str, bytes] = {}
        self._symbols: dict[str, bytes] = {}
        self._services: list[str] = []
        for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
            written = self._files[file.name] = file.SerializeToString()
            self._symbols |= dict.fromkeys(_symbols(file), written)
            self._services += [f"{file.package}.{service.name}" for service in file.service]

    def answer(self, request: bytes) -> bytes:
        """A ServerReflectionResponse. Raises `RequestFault` 400."""
        asked = [
            (number, wire.text(request, start, stop) if number != _EXTENSION else "")
            for number, kind, start, stop in wire.fields(request, 0, len(request))
            if kind == wire.LENGTH and _BY_NAME <= number <= _SERVICES
        ]
        number, name = asked[-1] if asked else (0, "")
        return wire.lead(2, len(request)) + request + self._told(number, name)

    def _told(self, number: int, name: str) -> bytes:
        if number == _SERVICES:
            return wire.field(6, b"".join(wire.field(1, wire.field(1, each)) for each in sorted(self._services)))
        if number == _EXTENSIONS and name in self._symbols:
            return wire.field(5, wire.field(1, name))
        file = {_BY_NAME: self._files, _BY_SYMBOL: self._symbols}.get(number, {}).get(name)
        if file is None:
            code = wire.varint(1 << 3) + wire.varint(Code.NOT_FOUND)
            return wire.field(7, code + wire.field(2, "there is nothing of that name"))
        return wire.field(4, wire.field(1, file))


def conversations() -> Mapping[bytes, Ask]:
    """The service's one method."""
    descriptions = Descriptions(DESCRIBED.read_bytes())

    def ask(_conversation: Conversation, _stream: Stream, message: bytes) -> _Said:
        return _Said(descriptions.answer(message))

    return {_METHOD: ask}


def _symbols(file: Any) -> Iterator[str]:
    for service in file.service:
        yield f"{file.package}.{service.name}"
        yield from (f"{file.package}.{service.name}.{method.name}" for method in service.method)
    for message in file.message_type:
        yield from _inside(message, file.package)


def _inside(message: Any, prefix: str) -> Iterator[str]:
    name = f"{prefix}.{message.name}"
    yield name
    yield from (f"{name}.{each.name}" for each in (*message.field, *message.enum_type))
    for nested in message.nested_type:
        yield from _inside(nested, name)
