"""Header blocks, judged by the package hpack."""

from __future__ import annotations

import hpack as judge
import hpack.huffman_table as judge_huffman
import hpack.table as judge_table
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_runtime.servers.http2 import hpack, huffman
from moorage_runtime.servers.http2.faults import Code, ConnectionFault

MOST = 1 << 20
names = st.sampled_from([b":path", b"content-type", b"grpc-timeout", b"x-a", b"te", b"cookie", b"x" * 200])
fields = st.tuples(names, st.binary(max_size=300))


def test_the_static_table_is_the_standards() -> None:
    assert judge_table.HeaderTable.STATIC_TABLE == hpack.STATIC


@settings(deadline=None)
@given(blocks=st.lists(st.tuples(st.lists(fields, max_size=8), st.booleans(), st.integers(0, 4096)), max_size=8))
def test_what_another_encoder_writes_is_read(blocks: list[tuple[list[tuple[bytes, bytes]], bool, int]]) -> None:
    encoder, decoder = judge.Encoder(), hpack.Decoder()
    for told, coded, size in blocks:
        if encoder.header_table_size != size:
            encoder.header_table_size = size
        assert decoder.decode(encoder.encode(told, huffman=coded), MOST) == told


@given(told=st.lists(fields, max_size=20))
def test_what_is_written_is_read_by_another_decoder_and_leaves_no_trace(told: list[tuple[bytes, bytes]]) -> None:
    decoder = judge.Decoder(MOST)
    assert [tuple(each) for each in decoder.decode(hpack.write(told), raw=True)] == told
    assert not decoder.header_table.dynamic_entries


@settings(max_examples=500)
@given(st.binary(max_size=12))
def test_huffman_strings_are_read_as_another_decoder_does(coded: bytes) -> None:
    try:
        expected = judge_huffman.decode_huffman(coded)
    except judge.HPACKDecodingError:
        expected = None
    try:
        assert huffman.decode(coded) == expected
    except ConnectionFault:
        assert expected is None


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",  # index 0
        b"\xbe",  # an entry that nobody made
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",  # a number without end
        b"\xff",
        b"\x00\x05ab",
        b"\x00\x01a\x7f",
        b"\x00\x01a\x82\xff\xff\xff\xff",  # the end of strings is not of a string
        b"\x82\x3f\x00",  # another size amid the block
        b"\x3f\xff\xff\x03",  # a larger table than allowed
    ],
)
def test_what_is_no_block(block: bytes) -> None:
    with pytest.raises(ConnectionFault) as caught:
        hpack.Decoder().decode(block, MOST)
    assert caught.value.code is Code.COMPRESSION_ERROR


def test_a_bomb_is_no_larger_than_allowed() -> None:
    """One entry of 4000 bytes, named by a byte each."""
    with pytest.raises(ConnectionFault) as caught:
        hpack.Decoder().decode(b"\x40\x01x\x7f\xa1\x1e" + bytes(4000) + b"\xbe" * 10_000, 100_000)
    assert caught.value.code is Code.ENHANCE_YOUR_CALM


def test_the_table_forgets_the_oldest() -> None:
    decoder = hpack.Decoder()
    for index in range(200):
        decoder.decode(b"\x40\x01x" + hpack.string(b"%030d" % index), MOST)
    assert decoder.decode(b"\xbe", MOST) == [(b"x", b"%030d" % 199)]
    assert decoder.decode(bytes((0x80 | 62 + 64,)), MOST) == [(b"x", b"%030d" % (199 - 64))]
    with pytest.raises(ConnectionFault):
        decoder.decode(bytes((0x80 | 62 + 65,)), MOST)
