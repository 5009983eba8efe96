"""Redis's protocol, as far as a cache needs it: commands out; simple strings, errors, numbers and bulk strings in."""

from __future__ import annotations

from collections.abc import Iterator

_LINE_BYTES = 4096


class ProtocolError(Exception):
    """Who sends this is no Redis, or sends more than was ever kept."""


class ErrorReply(Exception):
    """Redis refused a command; its first word is the kind, such as NOAUTH or OOM."""

    @property
    def kind(self) -> str:
        """The first word."""
        return str(self).partition(" ")[0]


Reply = bytes | int | ErrorReply | None


def command(*words: bytes) -> bytes:
    """One command as it is sent."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts += (b"$%d\r\n" % len(word), word, b"\r\n")
    return b"".join(parts)


class Replies:
    """Cuts what arrives into replies, however it is chopped. `most`: bytes of one bulk string."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete now. Raises `ProtocolError`, after which the stream is of no use."""
        buffer, at = self._buffer, 0
        buffer += data
        replies: list[Reply] = []
        while (end := buffer.find(b"\r\n", at)) >= 0:
            if end - at > _LINE_BYTES:
                break
            kind, line, after = buffer[at], bytes(buffer[at + 1 : end]), end + 2
            if kind == _BULK and (length := self._length(line)) >= 0:
                if len(buffer) < after + length + 2:
                    break
                replies.append(self._bulk(after, length))
                after += length + 2
            else:
                replies.append(_simple(kind, line))
            at = after
        del buffer[:at]
        if len(buffer) > _LINE_BYTES and buffer.find(b"\r\n", 0, _LINE_BYTES) < 0:
            raise ProtocolError("a line without end")
        return iter(replies)

    def _length(self, line: bytes) -> int:
        length = _number(line)
        if length > self._most:
            raise ProtocolError(f"a value of {length} bytes")
        return length

    def _bulk(self, start: int, length: int) -> bytes:
        end = start + length
        if self._buffer[end : end + 2] != b"\r\n":
            raise ProtocolError("a value that does not end where it should")
        return bytes(memoryview(self._buffer)[start:end])


_BULK, _STRING, _ERROR, _NUMBER = b"$+-:"


def _simple(kind: int, line: bytes) -> Reply:
    if kind == _STRING:
        return line
    if kind == _ERROR:
        return ErrorReply(line.decode(errors="replace"))
    if kind == _NUMBER:
        return _number(line)
    if kind == _BULK:
        return None
    raise ProtocolError(f"a reply that begins with {chr(kind)!r}")


def _number(line: bytes) -> int:
    digits = line.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 19:
        raise ProtocolError("a length that is no number")
    return int(line)
