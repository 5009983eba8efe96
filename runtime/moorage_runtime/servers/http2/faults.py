"""What ends a connection, and the codes that tell the client why (RFC 9113, section 7)."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11


class ConnectionFault(Exception):
    """The connection cannot go on; `message` is told with the last frame."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


def calm(message: str) -> ConnectionFault:
    """The client asks too much beside its calls."""
    return ConnectionFault(Code.ENHANCE_YOUR_CALM, message)


def wrong(message: str) -> ConnectionFault:
    """The client does not speak HTTP/2 as it is."""
    return ConnectionFault(Code.PROTOCOL_ERROR, message)
