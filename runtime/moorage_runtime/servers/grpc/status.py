"""How calls end, as gRPC tells it: status and metadata behind the answer."""

from __future__ import annotations

from enum import IntEnum

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2 import hpack
from moorage_runtime.servers.http2.hpack import Field


class Code(IntEnum):
    """The codes of gRPC that this server gives."""

    OK = 0
    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_CODES = {
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
# The details travel as a header, and clients bound those: 8 KiB, percent-encoded.
_MOST_DETAILS = 1000
_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("%")}
_RETRY_AFTER = b"retry-after"

OPENING = hpack.write(((b":status", b"200"), (b"content-type", b"application/grpc")))
GOOD = hpack.write(((b"grpc-status", b"0"),))


def code(status: int) -> Code:
    """The gRPC status code of an HTTP status that is no success."""
    return _CODES.get(status, Code.INVALID_ARGUMENT if status < 500 else Code.INTERNAL)


def details(fault: RequestFault) -> str:
    """The message of a refusal, short enough for a header."""
    return fault.message if len(fault.message) <= _MOST_DETAILS else fault.message[:_MOST_DETAILS] + "..."


def trailers(fault: RequestFault, told: bytes = b"") -> bytes:
    """The block that ends a call with a refusal; `told`: a block of further metadata."""
    fields = (
        (b"grpc-status", b"%d" % code(fault.status)),
        (b"grpc-message", _encoded(details(fault))),
        (b"x-error-reason", fault.reason.encode()),
        *_hints(fault),
    )
    return hpack.write(fields) + told


def alone(fault: RequestFault, told: bytes = b"") -> bytes:
    """The block that is all of an answer: a refusal."""
    return OPENING + trailers(fault, told)


def _encoded(message: str) -> bytes:
    """As a header may hold it: percent-encoded beyond plain characters."""
    return b"".join([b"%c" % byte if byte in _PLAIN else b"%%%02X" % byte for byte in message.encode(errors="replace")])


def _hints(fault: RequestFault) -> tuple[Field, ...]:
    """A `retry-after` goes twice: as HTTP has it, and as the clients of gRPC obey it when they may retry."""
    seconds = dict(fault.headers).get(_RETRY_AFTER, b"")
    pushback = ((b"grpc-retry-pushback-ms", b"%d" % (int(seconds) * 1000)),) if seconds.isdigit() else ()
    return fault.headers + pushback
