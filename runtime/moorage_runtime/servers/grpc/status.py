"""Refusals as gRPC tells them."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from moorage_runtime.errors import RequestFault

Metadata = tuple[tuple[str, str], ...]

_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
# The details travel as a header, and clients bound those: 8 KiB, percent-encoded.
_MOST_DETAILS = 1000
_RETRY_AFTER = b"retry-after"


def code(status: int) -> grpc.StatusCode:
    """The gRPC status code of an HTTP status that is no success."""
    return _CODES.get(status, grpc.StatusCode.INVALID_ARGUMENT if status < 500 else grpc.StatusCode.INTERNAL)


def details(fault: RequestFault) -> str:
    """The message of a refusal, short enough for a header."""
    return fault.message if len(fault.message) <= _MOST_DETAILS else fault.message[:_MOST_DETAILS] + "..."


async def refuse(context: Any, fault: RequestFault, told: Metadata = ()) -> NoReturn:
    """End a call with a refusal; `told` and what the fault carries go in the trailing metadata."""
    await context.abort(code(fault.status), details(fault), (*told, ("x-error-reason", fault.reason), *_hints(fault)))
    raise AssertionError("a call that was aborted went on")


def _hints(fault: RequestFault) -> Metadata:
    """A `retry-after` goes twice: as HTTP has it, and as the clients of gRPC obey it when they may retry."""
    hints = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fault.headers)
    seconds = dict(fault.headers).get(_RETRY_AFTER, b"")
    pushback = (("grpc-retry-pushback-ms", str(int(seconds) * 1000)),) if seconds.isdigit() else ()
    return hints + pushback
