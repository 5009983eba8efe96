"""Redis's protocol: the same replies however the stream is chopped, and nothing but a named error from garbage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.caching.resp import ErrorReply, ProtocolError, Replies, command

REPLIES = st.one_of(
    st.binary(max_size=20).map(lambda value: (b"$%d\r\n%b\r\n" % (len(value), value), value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: (b":%d\r\n" % number, number)),
    st.sampled_from([(b"$-1\r\n", None), (b"+OK\r\n", b"OK"), (b"+\r\n", b""), (b"$0\r\n\r\n", b"")]),
    st.just((b"-OOM command not allowed\r\n", "OOM command not allowed")),
)


def shown(reply: Any) -> Any:
    return str(reply) if isinstance(reply, ErrorReply) else reply


@given(st.lists(REPLIES, max_size=6), st.data())
def test_chopping_changes_nothing(told: list[tuple[bytes, Any]], data: st.DataObject) -> None:
    stream = b"".join(sent for sent, _ in told)
    replies, found = Replies(1000), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += [shown(reply) for reply in replies.feed(stream[:size])]
        stream = stream[size:]
    assert found == [value for _, value in told]


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_garbage_gives_replies_or_a_named_error(chunks: list[bytes]) -> None:
    replies = Replies(1000)
    try:
        for chunk in chunks:
            list(replies.feed(chunk))
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"$1001\r\n", "a value of 1001 bytes"),
        (b"$9" + b"9" * 30 + b"\r\n", "no number"),
        (b"$3\r\nabcd\r\n", "does not end where it should"),
        (b"*1\r\n", "begins with '\\*'"),
        (b"HTTP/1.1 400 Bad Request\r\n", "begins with 'H'"),
        (b":1x\r\n", "no number"),
        (b"+" + b"a" * 5000, "a line without end"),
        (b"+" + b"a" * 5000 + b"\r\n", "a line without end"),
    ],
)
def test_who_is_no_redis_is_found_out(sent: bytes, told: str) -> None:
    with pytest.raises(ProtocolError, match=told):
        Replies(1000).feed(sent)


def test_commands_are_arrays_of_bulk_strings() -> None:
    assert command(b"SET", b"k\r\n", b"") == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n"
    assert ErrorReply("NOAUTH Authentication required.").kind == "NOAUTH"
