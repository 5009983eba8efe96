"""The reader of chunked bodies: however the bytes are cut, it reads the same, and never more than its bound."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.chunks import Chunked

LIMIT = 100
SEEDS = (
    b"3\r\nabc\r\n0\r\n\r\nGET ",
    b"3;a=b\r\nabc\r\n0;c\r\nx: 1\r\ny: 2\r\n\r\n",
    b"00000003\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
    b"1\r\na\r\n" * 30 + b"0\r\n\r\n",
    b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n",
    b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"10000000000000000\r\n",
    b'3 \t;\tq="x"\r\nabc\r\n0\r\n\r\n',
    b"0\r\n" + b"a: " + b"b" * 9000 + b"\r\n\r\n",
    b"0\r\n" + b"a:\r\n" * 2000 + b"\r\n",
    b"3\nabc\n0\n\n",
    b"3\r\nabcd\r\n",
    b"-1\r\n",
    b"0x3\r\nabc\r\n",
    b";\r\n",
)


def one(data: bytes) -> None:
    """Read whole, and in pieces whose size the data itself chooses."""
    whole = _read([data])
    step = max(len(data) % 7 + 1, len(data) // 50)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert _read(pieces) == whole
    assert _read(pieces, keep=False)[0] == whole[0]


def _read(pieces: list[bytes], *, keep: bool = True) -> tuple[object, bytes]:
    """How it ended: where behind the body the reader stopped, a refusal's status, or None while more is awaited."""
    reader, before = Chunked(LIMIT, keep=keep), 0
    for piece in pieces:
        try:
            at = reader.feed(piece, 0)
            while at < len(piece) and not reader.done:
                at = reader.feed(piece, at)
        except RequestFault as fault:
            if fault.status not in (400, 413):
                raise AssertionError("another refusal than a body's") from fault
            return fault.status, b""
        assert reader.received <= LIMIT
        assert len(reader._line) <= 9000 + len(piece)
        if reader.done:
            return before + at, bytes(reader.body())
        assert at >= len(piece)
        before += len(piece)
    return None, b""
