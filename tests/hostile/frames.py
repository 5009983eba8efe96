"""HTTP/2 by hand, as far as it takes to send what no library would."""

from __future__ import annotations

import socket
import time

CLOSE = "closed"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING = 0, 1, 3, 4, 6
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_CANCEL = 8


class Frames:
    """A client's connection, its preface sent."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._read = b""
        line.sendall(_PREFACE)
        self.frame(_SETTINGS, 0, 0, b"")

    def frame(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        """Send one frame, however wrong."""
        head = len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
        self.line.sendall(head + content)

    def headers(
        self,
        stream: int,
        path: str,
        method: str = "POST",
        kind: str = "application/grpc",
        authority: str = "a",
        *,
        end: bool = True,
    ) -> None:
        """Begin a call. `end` False: more headers are to come."""
        self.frame(_HEADERS, _END_HEADERS if end else 0, stream, _block(path, method, kind, authority))

    def bomb(self, stream: int, path: str, size: int, times: int) -> None:
        """One header of `size` bytes put into the decoder's table, then named `times` times."""
        entry = b"\x40" + _text("x") + _text("y" * size)
        block = _block(path, "POST", "application/grpc", "a") + entry + b"\xbe" * times
        self.frame(_HEADERS, 0, stream, block[:16_000])
        for at in range(16_000, len(block), 16_000):
            last = at + 16_000 >= len(block)
            self.frame(9, _END_HEADERS if last else 0, stream, block[at : at + 16_000])

    def data(self, stream: int, message: bytes) -> None:
        """Send the one message of a call."""
        self.frame(_DATA, _END_STREAM, stream, b"\x00" + len(message).to_bytes(4, "big") + message)

    def reset(self, stream: int) -> None:
        """Give a call up."""
        self.frame(_RESET, 0, stream, _CANCEL.to_bytes(4, "big"))

    def ping(self) -> None:
        self.frame(_PING, 0, 0, b"mooring!")

    def pinged(self, seconds: float) -> bool:
        """Whether a ping is answered in time; False when the server has closed."""
        end = time.monotonic() + seconds
        answer = bytes((0, 0, 8, _PING, _ACK, 0, 0, 0, 0)) + b"mooring!"
        while answer not in self._read:
            self.line.settimeout(max(0.01, end - time.monotonic()))
            part = self.line.recv(1 << 16)
            if not part:
                return False
            self._read += part
        return True

    def close(self) -> None:
        self.line.close()


def _text(value: str) -> bytes:
    """A literal, its length in HPACK's prefix of seven bits."""
    content = value.encode("latin-1")
    if len(content) < 127:
        return bytes((len(content),)) + content
    left, out = len(content) - 127, bytearray((127,))
    while left >= 128:
        out.append(left & 127 | 128)
        left >>= 7
    out.append(left)
    return bytes(out) + content


def _block(path: str, method: str, kind: str, authority: str) -> bytes:
    named = {
        ":method": method,
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "content-type": kind,
        "te": "trailers",
    }
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in named.items())
