"""Where a body ends, and how much of it there may be."""

from __future__ import annotations

import gzip
import zlib

import pytest
from tests.unit.runtime.http.wire import Action, Shop, Wire, echo, request

from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.service import SCRATCH_BYTES
from moorage_runtime.servers.ration import GREAT_BYTES, READ_BYTES, TURN_BYTES

CHUNKED = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_body_in_the_same_read_as_its_head() -> None:
    assert Wire().send(request(body=b"abc")).told[0].body == b"POST /echo? abc"


def test_a_body_that_comes_byte_by_byte() -> None:
    wire = Wire().send(*[bytes([byte]) for byte in request(body=b"abcdefghij")])
    assert wire.told[0].body == b"POST /echo? abcdefghij"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300_000])
@pytest.mark.parametrize("step", [1000, 64 << 10, 256 << 10])
def test_bodies_of_every_size_arrive_whole(size: int, step: int) -> None:
    body = bytes(i * 7 % 251 for i in range(size))
    data = request(body=body) + request(body=b"next")
    wire = Wire().send(*[data[at : at + step] for at in range(0, len(data), step)])
    assert [told.body for told in wire.told] == [b"POST /echo? " + body, b"POST /echo? next"]
    assert wire.service.bodies == 0


def test_a_large_body_is_read_straight_to_its_place() -> None:
    wire = Wire()
    wire.shop.routes[b"/large"] = Action(wire.shop.later.append)
    wire.send(request("/large", bytes(200_000))[:1000])
    assert wire.connection.place is not wire.service.scratch
    wire.send(bytes(200_000 - 1000 + len(request("/large", bytes(200_000))) - 200_000))
    assert wire.connection.place is wire.service.scratch
    body = wire.shop.later[0].body
    assert isinstance(body, memoryview)
    assert body.nbytes == 200_000
    assert body.format == "B"


def flooded(wire: Wire, data: bytes) -> list[int]:
    """What is read in each turn of the loop where there always is more."""
    turns = []
    while data:
        before = len(data)
        data = one_poll(wire, data)
        turns.append(before - len(data))
        wire.loop.turn()
    return turns


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_without_a_pause_lets_others_have_their_turn(chunked: bool) -> None:
    wire, size = Wire(), 4 << 20
    wire.shop.routes[b"/large"] = Action(wire.shop.later.append, body_limit=size)
    if chunked:
        data = request("/large", None, "transfer-encoding: chunked", method="POST")
        data += (b"10000\r\n" + bytes(1 << 16) + b"\r\n") * (size >> 16) + b"0\r\n\r\n"
    else:
        data = request("/large", bytes(size))
    turns = flooded(wire, data + request())
    assert max(turns) <= (SCRATCH_BYTES if chunked else SCRATCH_BYTES + READ_BYTES)
    assert len(wire.shop.later[0].body) == size
    wire.shop.later[0].answer(200, b"")
    assert wire.statuses == [200, 200]
    assert not wire.paused


@pytest.mark.parametrize("size", [200_000, 3 << 20])
def test_thirty_that_send_much_at_once_are_read_one_after_the_other(size: int) -> None:
    """A turn of the loop reads one ration, and of each further connection no more than what it always may bring."""
    wire = Wire()
    wire.shop.routes[b"/large"] = Action(wire.shop.later.append, body_limit=size)
    wires = [wire, *(wire.another() for _ in range(29))]
    left = [request("/large", bytes([number]) * size) for number in range(30)]
    turns = 0
    while any(left):
        read, turns = 0, turns + 1
        for number, each in enumerate(wires):
            before = len(left[number])
            left[number] = one_poll(each, left[number])
            read += before - len(left[number])
        assert 0 < read <= TURN_BYTES + 29 * GREAT_BYTES
        wire.loop.once()
    assert turns <= 4 + 9 * (size // READ_BYTES + 1)
    assert sorted(bytes(each.body) for each in wire.shop.later) == [bytes([number]) * size for number in range(30)]


def one_poll(wire: Wire, data: bytes) -> bytes:
    """What a turn of the loop leaves of `data`, which waits in the kernel."""
    while data and not wire.paused:
        place = wire.connection.get_buffer(-1)
        count = min(len(place), len(data))
        place[:count] = data[:count]
        data = data[count:]
        wire.connection.buffer_updated(count)
        if count < len(place):
            break
    return data


def test_a_request_without_a_body_has_an_empty_one() -> None:
    assert Wire().send(request(method="POST")).told[0].body == b"POST /echo? "


def test_a_route_that_needs_a_body_refuses_a_request_without_length() -> None:
    wire = Wire().send(request("/need", method="POST"), request("/need", b""))
    assert wire.statuses == [411, 200]


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    head = b"POST /need HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n"
    wire = Wire().send(head)
    assert wire.statuses == [413]
    assert "connection" not in wire.told[0].headers
    wire.send(bytes(1001) + request())
    assert wire.statuses == [413, 200]


def test_a_refused_body_that_is_too_long_to_skip_ends_the_connection() -> None:
    wire = Wire().send(b"POST /need HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\n")
    assert wire.statuses == [413]
    assert wire.told[0].headers["connection"] == "close"
    assert wire.ended
    assert not wire.closed
    wire.send(bytes(9999999))
    assert wire.statuses == [413]
    wire.hang_up()
    assert wire.closed


def test_a_client_that_goes_on_sending_after_the_end_is_cut_off() -> None:
    wire = Wire(limits=Limits(linger_bytes=1000)).send(request("/echo", None, "connection: close"))
    wire.send(bytes(1000))
    assert not wire.aborted
    wire.send(bytes(1))
    assert wire.aborted


@pytest.mark.parametrize(
    "tail",
    [
        b"3\r\nabc\r\n0\r\n\r\n",
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"0003\r\nabc\r\n000\r\n\r\n",
        b"3;name=value\r\nabc\r\n0;x\r\n\r\n",
        b'3 ; a="b;c" ; d\r\nabc\r\n0\r\n\r\n',
        b"3\r\nabc\r\n0\r\nx-checksum: 1\r\ny:\r\n\r\n",
    ],
)
def test_chunks(tail: bytes) -> None:
    for parts in ([CHUNKED + tail + request()], [CHUNKED, *[bytes([each]) for each in tail], request()]):
        wire = Wire().send(*parts)
        assert [told.body for told in wire.told] == [b"POST /echo? abc", b"GET /echo? "]


@pytest.mark.parametrize(
    "tail",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3\nabc\r\n",
        b"3\r\nabc\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nab\r\n0\r\n\r\n",
        b"3\rabc",
        b"3;a\nb\r\nabc\r\n",
        b"3;a\x00b\r\nabc\r\n",
        b"3;" + b"a" * 300,
        b"3 x\r\nabc\r\n",
        b"00000000000000003\r\nabc\r\n",
        b"0\r\nx: \x00\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n folded: 1\r\n\r\n",
        b"0\r\nx : 1\r\n\r\n",
        b"0\r\nx: 1\n\r\n",
        b"0\r\nx: " + b"a" * 9000,
        b"0\r\n" + b"x: 1\r\n" * 2000,
        b"1;" + b"e" * 200 + b"\r\na\r\n" + (b"1;" + b"e" * 200 + b"\r\na\r\n") * 100,
    ],
)
def test_malformed_chunks_end_the_connection(tail: bytes) -> None:
    for parts in ([CHUNKED + tail], [CHUNKED, *[bytes([each]) for each in tail]]):
        wire = Wire().send(*parts)
        assert wire.statuses == [400]
        assert wire.told[0].headers["connection"] == "close"
        assert wire.service.bodies == 0


@pytest.mark.parametrize("size", [b"3e9", b"ffffffffffffffff", b"7fffffffffffffff", b"80000000"])
def test_a_chunk_over_the_limit_is_refused_by_its_size(size: bytes) -> None:
    wire = Wire().send(b"POST /need HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + size + b"\r\n")
    assert wire.statuses == [413]
    assert wire.ended


def test_chunks_that_together_exceed_the_limit() -> None:
    head = b"POST /need HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    wire = Wire().send(head, *[b"64\r\n" + bytes(100) + b"\r\n"] * 10)
    assert wire.statuses == []
    wire.send(b"1\r\na\r\n")
    assert wire.statuses == [413]


def test_one_byte_chunks_are_slow_but_allowed() -> None:
    wire = Wire().send(CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
    assert len(wire.told[0].body) == 50_000 + len(b"POST /echo? ")


def test_a_refused_chunked_body_is_skipped() -> None:
    head = b"POST /none HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    wire = Wire().send(head, b"3\r\nabc\r\n", b"0\r\n\r\n" + request())
    assert wire.statuses == [404, 200]


def test_a_refused_chunked_body_without_end_ends_the_connection_and_not_its_answer() -> None:
    wire = Wire(limits=Limits(discard_bytes=10))
    wire.send(b"POST /none HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", b"b\r\n")
    assert wire.statuses == [404]
    assert wire.ended


def test_the_body_of_a_refused_request_is_not_taken_for_a_request() -> None:
    inner = request("/echo")
    wire = Wire().send(request("/none", inner) + request())
    assert wire.statuses == [404, 200]


def test_all_bodies_together_are_bounded() -> None:
    wire = Wire(limits=Limits(bodies_bytes=100_000))
    data = request(body=bytes(200_000))
    wire.send(data[:90_000])
    assert wire.statuses == []
    wire.send(data[90_000:110_000])
    assert wire.statuses == [503]
    assert wire.told[0].headers["retry-after"] == "1"
    assert wire.service.bodies == 0


def test_a_body_counts_until_its_request_is_answered() -> None:
    wire = Wire(limits=Limits(bodies_bytes=150_000))
    data = request("/later", bytes(100_000))
    wire.send(data[:1000], data[1000:] + data[:1000], data[1000:60_000])
    assert wire.statuses == []
    assert wire.service.bodies == 100_000
    wire.shop.later[0].answer(200, b"")
    assert wire.statuses == [200, 503]
    assert wire.service.bodies == 0


@pytest.mark.parametrize("ends", ["answer", "leave"])
def test_an_unpacked_body_counts_until_its_request_is_answered(ends: str) -> None:
    wire = Wire().send(request("/later", gzip.compress(bytes(900_000)), "content-encoding: gzip"))
    assert 900_000 <= wire.service.bodies < 910_000
    if ends == "answer":
        wire.shop.later[0].answer(200, b"")
    else:
        wire.reset()
    assert wire.service.bodies == 0


def test_a_client_that_leaves_gives_back_what_its_body_held() -> None:
    wire = Wire().send(request(body=bytes(200_000))[:100_000])
    assert wire.service.bodies > 0
    wire.reset()
    assert wire.service.bodies == 0


def test_expect_continue_is_answered_when_the_route_takes_it() -> None:
    wire = Wire().send(b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 3\r\n\r\n")
    assert wire.out == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.send(b"abc").told[0].body == b"POST /echo? abc"


def test_expect_continue_waits_for_the_answers_before() -> None:
    expecting = b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
    wire = Wire().send(request("/later") + expecting)
    assert not wire.out
    wire.shop.later[0].answer(200, b"first")
    assert wire.out.endswith(b"first" + b"HTTP/1.1 100 Continue\r\n\r\n")


def test_no_continue_when_the_body_is_here_already() -> None:
    wire = Wire().send(b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nabc")
    assert b"100 Continue" not in wire.out
    assert wire.statuses == [200]


@pytest.mark.parametrize(("path", "length", "status"), [("/need", 1001, 413), ("/none", 3, 404)])
def test_who_expects_to_go_on_is_refused_before_the_body(path: str, length: int, status: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    wire = Wire().send(head.encode())
    assert wire.statuses == [status]
    # Nobody knows whether such a client sends its body all the same.
    assert wire.ended


def test_other_expectations_are_refused() -> None:
    assert Wire().send(request("/echo", b"abc", "expect: magic")).statuses == [417]


def test_http_1_0_never_gets_an_interim_answer() -> None:
    wire = Wire().send(b"POST /echo HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n", b"abc")
    assert wire.out.startswith(b"HTTP/1.1 200")


def deflated(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-15)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress), ("deflate", deflated)],
)
@pytest.mark.parametrize("size", [1, 1000, 900_000])
def test_compressed_bodies(coding: str, pack: type[bytes], size: int) -> None:
    body = bytes(i * 7 % 251 for i in range(size))
    wire = Wire().send(request("/echo", pack(body), f"content-encoding: {coding}") + request())
    assert [told.body for told in wire.told] == [b"POST /echo? " + body, b"GET /echo? "]


def test_a_compressed_body_of_several_members() -> None:
    packed = gzip.compress(b"abc") + gzip.compress(b"def")
    assert Wire().send(request("/echo", packed, "content-encoding: gzip")).told[0].body == b"POST /echo? abcdef"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", ["garbage", "cut", "behind", "begun"])
def test_corrupt_bodies(coding: str, kind: str) -> None:
    good = gzip.compress(b"abc" * 100) if coding == "gzip" else zlib.compress(b"abc" * 100)
    data = {"garbage": b"no stream", "cut": good[:-5], "behind": good + b"\x00garbage", "begun": good[:1]}[kind]
    wire = Wire().send(request("/echo", data, f"content-encoding: {coding}") + request())
    assert wire.statuses == [400, 200]


@pytest.mark.parametrize("pack", [gzip.compress, lambda body: gzip.compress(body[:500]) * 40])
def test_a_bomb_is_refused_by_what_comes_out(pack: type[bytes]) -> None:
    wire = Wire()
    wire.shop.routes[b"/small"] = Action(echo, body_limit=10_000)
    wire.send(request("/small", pack(bytes(1_000_000)), "content-encoding: gzip") + request())
    assert wire.statuses == [413, 200]


def test_unpacked_bodies_are_bounded_together_while_they_are_unpacked() -> None:
    wire = Wire(limits=Limits(bodies_bytes=500_000))
    wire.shop.routes[b"/large"] = Action(wire.shop.later.append, body_limit=100_000_000)
    wire.send(request("/large", gzip.compress(bytes(10_000_000)), "content-encoding: gzip") + request())
    assert wire.statuses == [503, 200]
    assert wire.service.bodies == 0


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "gzip;q=1"])
def test_other_codings_are_refused_before_the_body(coding: str) -> None:
    wire = Wire().send(
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-encoding: %b\r\n\r\n" % coding.encode()
    )
    assert wire.statuses == [415]
    assert wire.told[0].headers["accept-encoding"] == "gzip, deflate"


def test_a_large_packed_body_lets_others_have_their_turn() -> None:
    shop = Shop()
    wire = Wire(shop)
    wire._waiting = request("/echo", gzip.compress(bytes(1_000_000)), "content-encoding: gzip")
    wire._deliver()
    assert wire.statuses == []
    assert len(wire.loop.soon) == 1
    wire.loop.turn()
    assert wire.statuses == [200]


def test_a_client_that_leaves_is_not_unpacked_for() -> None:
    wire = Wire()
    wire._waiting = request("/later", gzip.compress(bytes(1_000_000)), "content-encoding: gzip")
    wire._deliver()
    wire.reset()
    wire.loop.turn()
    assert wire.shop.later == []
    assert wire.traffic.in_flight == 0
