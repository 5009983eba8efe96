"""What is a request, what is refused as none, and what is remembered."""

from __future__ import annotations

import pytest
from tests.unit.runtime.http.wire import Wire, request

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.limits import Limits

G = b"GET /echo HTTP/1.1\r\nhost: a\r\n"
P = b"POST /echo HTTP/1.1\r\nhost: a\r\n"

# Every line here has been read differently by two servers somewhere, or is no HTTP.
MALFORMED = [
    # Which length counts?
    P + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    P + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    P + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    P + b"content-length: 3, 3\r\n\r\nabc",
    P + b"content-length: -3\r\n\r\n",
    P + b"content-length: +3\r\n\r\nabc",
    P + b"content-length: 0x3\r\n\r\nabc",
    P + b"content-length: 3 3\r\n\r\nabc",
    P + b"content-length: 3.0\r\n\r\nabc",
    P + b"content-length: 1e1\r\n\r\nabc",
    P + b"content-length: 3_0\r\n\r\nabc",
    P + b"content-length: \xd9\xa3\r\n\r\nabc",
    P + b"content-length:\r\n\r\n",
    P + b"content-length: abc\r\n\r\n",
    P + b"content-length: 18446744073709551616\r\n\r\n",
    P + b"content-length: 99999999999999999999999999\r\n\r\n",
    P + b"content-length : 3\r\n\r\nabc",
    P + b"content-length\t: 3\r\n\r\nabc",
    P + b" content-length: 3\r\n\r\nabc",
    # Which coding counts?
    P + b"transfer-encoding: gzip\r\n\r\n",
    P + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: identity\r\n\r\n",
    P + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunkedx\r\n\r\n0\r\n\r\n",
    P + b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n',
    P + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding:\r\n\r\n",
    P + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    P + b"transfer\x00-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    # Where does a line end?
    G + b"a: b\n\r\n",
    G + b"a: b\nc: d\r\n\r\n",
    G + b"a: b\r\n\n",
    G + b"a: b\rc\r\n\r\n",
    G + b"a: b\r\r\n\r\n",
    b"GET /echo HTTP/1.1\nhost: a\n\n",
    b"GET /echo HTTP/1.1\r\nhost: a\n\r\n",
    G + b"a: b\r\n folded\r\n\r\n",
    G + b"a: b\r\n\tfolded\r\n\r\n",
    b"GET /echo HTTP/1.1\r\n host: a\r\n\r\n",
    # Names and values
    G + b"a b: c\r\n\r\n",
    G + b"a : b\r\n\r\n",
    G + b": b\r\n\r\n",
    G + b"no colon\r\n\r\n",
    G + b"a\x00: b\r\n\r\n",
    G + b"a: \x00\r\n\r\n",
    G + b"a: \x01\r\n\r\n",
    G + b"a: \x7f\r\n\r\n",
    G + b"\xc3\xa4: b\r\n\r\n",
    G + b"(a): b\r\n\r\n",
    G + b"a@b: c\r\n\r\n",
    # Hosts
    b"GET /echo HTTP/1.1\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nhost: a, b\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nhost: a/b\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nhost: u@a\r\n\r\n",
    b"GET /echo HTTP/1.1\r\nhost: a b\r\n\r\n",
    # Request lines
    b"GET  /echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /echo  HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/1.1 \r\nhost: a\r\n\r\n",
    b" GET /echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET\t/echo\tHTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /echo\r\n\r\n",
    b"GET /echo HTTP/1\r\nhost: a\r\n\r\n",
    b"GET /echo http/1.1\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/1.2\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/2.0\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/11.1\r\nhost: a\r\n\r\n",
    b"GET /echo HTTP/0.9\r\nhost: a\r\n\r\n",
    b"GET /echo ICE/1.0\r\nhost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"G(T /echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"G\x00T /echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /ec\x00ho HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /ec\x7fho HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /\xc3\xa4 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /echo#part HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET * HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET ftp://a/echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET http:///echo HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET HTTP/1.1\r\nhost: a\r\n\r\n",
    # Other protocols
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00\x00\x00\x00",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"{}",
    b"\n\n\n\n",
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_is_no_request_is_refused_and_the_connection_ends(data: bytes) -> None:
    for parts in ([data + request()], [bytes([each]) for each in data]):
        wire = Wire().send(*parts)
        assert wire.statuses == [400]
        assert wire.told[0].headers["connection"] == "close"
        assert wire.told[0].headers["x-model-version"] == "7"
        assert wire.told[0].body.startswith(b"InvalidRequest ")
        assert wire.ended
        assert wire.shop.asked == []
        wire.send(request())
        assert wire.statuses == [400]


@pytest.mark.parametrize(
    ("head", "path", "query"),
    [
        (b"GET /echo?a=b?c HTTP/1.1\r\nHost: a", b"/echo", b"a=b?c"),
        (b"GET http://a:80/echo?q HTTP/1.1\r\nhost: a", b"/echo", b"q"),
        (b"GET HTTPS://a/echo HTTP/1.1\r\nhost: b", b"/echo", b""),
        (b"GET http://a HTTP/1.1\r\nhost: a", b"/", b""),
        (b"GET http://a?q HTTP/1.1\r\nhost: a", b"/", b"q"),
        (b"OPTIONS * HTTP/1.1\r\nhost: a", b"*", b""),
        (b"GET /echo HTTP/1.1\r\nhost:", b"/echo", b""),
        (b"GET /echo HTTP/1.1\r\nhost: [::1]:80", b"/echo", b""),
        (b"GET /echo HTTP/1.0", b"/echo", b""),
        (b"GET /%00%2e%2e//x HTTP/1.1\r\nhost: a", b"/%00%2e%2e//x", b""),
    ],
)
def test_targets(head: bytes, path: bytes, query: bytes) -> None:
    wire = Wire().send(head + b"\r\n\r\n")
    assert (wire.shop.asked[0].path, wire.shop.asked[0].query) == (path, query)


def test_names_are_lowered_values_trimmed_and_repeated_ones_joined() -> None:
    wire = Wire().send(G + b"X-One:\t a b \t\r\nx-TWO:1\r\nX-two: \xc3\xa42\r\nx-empty:\r\n\r\n")
    assert wire.shop.asked[0].headers == {
        b"host": b"a",
        b"x-one": b"a b",
        b"x-two": b"1, \xc3\xa42",
        b"x-empty": b"",
    }


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "BREW", "get", "M-SEARCH", "SOURCE"])
def test_methods_are_the_applications_to_judge(method: str) -> None:
    wire = Wire().send(request(method=method) + request())
    assert wire.statuses == [405, 200]
    assert wire.told[0].headers["allow"] == "GET"


def test_tunnels_are_refused() -> None:
    assert Wire().send(b"CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n").statuses == [405]


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0"])
def test_an_offer_to_upgrade_is_passed_over(offer: str) -> None:
    wire = Wire().send(request("/echo", b"abc", "connection: upgrade", f"upgrade: {offer}") + request())
    assert [told.body for told in wire.told] == [b"POST /echo? abc", b"GET /echo? "]


def test_empty_lines_before_a_request_are_passed_over() -> None:
    for parts in ([b"\r\n\r\n\r\n" + request()], [b"\r\n", b"\r", b"\n", request()]):
        wire = Wire().send(*parts)
        assert wire.statuses == [200]
        assert wire.connection.phase.name == "IDLE"


def test_a_long_target_is_told() -> None:
    for data in (request("/" + "a" * 8192), request("/" + "a" * 8192)[:8300], b"GET /" + b"a" * 70_000):
        wire = Wire().send(data)
        assert wire.statuses == [414]
        assert wire.ended
    assert Wire().send(request("/" + "a" * 8000)).statuses == [404]


def test_a_large_head_is_told() -> None:
    for data in (request("/echo", None, "a: " + "b" * 70_000), request("/echo", None, "a: " + "b" * 70_000)[:-2]):
        wire = Wire().send(data)
        assert wire.statuses == [431]
        assert wire.ended
    assert Wire().send(request("/echo", None, "a: " + "b" * 60_000)).statuses == [200]


def test_many_header_lines_are_told() -> None:
    assert Wire().send(request("/echo", None, *["a: b"] * 99)).statuses == [200]
    assert Wire().send(request("/echo", None, *["a: b"] * 100)).statuses == [431]


def test_the_clients_request_id_is_kept_when_it_is_sane() -> None:
    for given in ("abc-1", "a" * 128, "0:b/c+d=@,._"):
        wire = Wire().send(request("/echo", None, f"X-Request-ID: {given}"))
        assert wire.told[0].headers["x-request-id"] == given
    for given in ("", "a" * 129, "a b", "a\x80", '"', "<x>"):
        wire = Wire().send(request("/echo", None, f"x-request-id: {given}".encode().decode("latin-1")))
        assert len(wire.told[0].headers["x-request-id"]) == 16


def test_request_ids_differ() -> None:
    wire = Wire().send(request() * 1000)
    assert len({told.headers["x-request-id"] for told in wire.told}) == 1000


def test_equal_heads_are_asked_for_once_an_epoch() -> None:
    wire = Wire().send(request() * 3, request("/echo", b"abc"))
    assert len(wire.shop.asked) == 2
    wire.shop.epoch += 1
    assert wire.send(request()).statuses == [200] * 5
    assert len(wire.shop.asked) == 3


def test_a_route_found_in_another_epoch_is_void() -> None:
    wire = Wire().send(request())
    wire.shop.epoch += 1
    del wire.shop.routes[b"/echo"]
    assert wire.send(request()).statuses == [200, 404]


PASSING = ["traceparent", "TraceState", "X-Request-ID", "x-b3-traceid", "b3", "baggage", "x-forwarded-for"]


@pytest.mark.parametrize("name", PASSING)
def test_heads_that_differ_in_whose_request_it_is_are_asked_for_once(name: str) -> None:
    wire = Wire().send(*[request("/later", b"abc", f"{name}: {number}", "a: b") for number in range(3)])
    assert len(wire.shop.asked) == 1
    lower = name.lower().encode()
    assert [each.head.headers[lower] for each in wire.shop.later] == [b"0", b"1", b"2"]
    assert all(each.head.headers[b"a"] == b"b" for each in wire.shop.later)
    assert [bytes(each.body) for each in wire.shop.later] == [b"abc"] * 3


def test_what_an_application_derived_from_a_head_stays_with_its_variants() -> None:
    wire = Wire().send(request("/later", b"abc", "traceparent: 1"))
    known = next(iter(wire.service.heads._known.values()))
    known.facts, known.aligned = "facts", 2
    wire.send(request("/later", b"abc", "traceparent: 2"))
    first, second = (each.head for each in wire.shop.later)
    assert (second.facts, second.aligned) == ("facts", 2)
    # All that a head has is there, whatever that is.
    had = [name for name in dir(known) if not name.startswith("_") and not callable(getattr(Head, name, None))]
    assert "route" in had
    for name in had:
        assert getattr(second, name) == getattr(known, name) or name in ("headers", "request_id")
    assert first.headers != second.headers


def test_a_head_reads_the_same_remembered_or_not() -> None:
    lines = ["x-request-id:  one ", "X-Forwarded-For: 1.2.3.4", "traceparent:a", "x-forwarded-for: 5, 6", "b3: "]
    fresh = Wire(limits=Limits(remembered_bytes=0)).send(request("/later", None, *lines)).shop.later[0].head
    wire = Wire().send(request("/later", None, "traceparent: 1") + request("/later", None, *lines))
    assert wire.shop.later[1].head.headers == fresh.headers
    assert wire.shop.later[1].head.request_id == fresh.request_id == b"one"


@pytest.mark.parametrize(
    "line",
    [
        b"traceparent : 1",
        b" traceparent: 1",
        b"traceparent: 1\r\n folded",
        b"traceparent: 1\n",
        b"traceparent: \x00",
        b"traceparent: 1\rx: y",
        b"traceparent",
        b"x-request-id: 1\ncontent-length: 3",
    ],
)
def test_lines_that_pass_are_read_as_strictly_as_others(line: bytes) -> None:
    wire = Wire().send(G + b"traceparent: 1\r\n\r\n", G + line + b"\r\n\r\n")
    assert wire.statuses == [200, 400]


def test_lines_that_pass_are_counted_too() -> None:
    assert Wire().send(request("/echo", None, *["b3: 1"] * 100)).statuses == [431]
    assert Wire().send(request("/echo", None, *["b3: 1"] * 90)).statuses == [200]


def test_what_was_refused_is_asked_again() -> None:
    wire = Wire().send(request("/new"))
    wire.shop.routes[b"/new"] = wire.shop.routes[b"/echo"]
    assert wire.send(request("/new")).statuses == [404, 200]


def test_nobody_fills_the_memory_with_heads() -> None:
    wire = Wire(limits=Limits(remembered=10, remembered_bytes=200))
    wire.send(*[request(f"/echo?{i}") for i in range(1000)])
    known = wire.service.heads._known
    assert len(known) <= 10
    wire.send(request("/echo", None, "a: " + "b" * 300))
    assert all(len(raw) <= 200 for raw in known)


def test_a_route_that_cannot_be_found_for_our_fault_is_500() -> None:
    wire = Wire()

    def route(_head: object) -> None:
        raise KeyError("secret")

    wire.shop.route = route  # type: ignore[method-assign, assignment]
    wire.send(request())
    assert wire.statuses == [500]
    assert b"secret" not in wire.out


def test_a_refusal_that_cannot_be_worded_is_still_told() -> None:
    wire = Wire()

    def error(*_arguments: object) -> bytes:
        raise RequestFault(400, "Again", "and again")

    wire.shop.error = error  # type: ignore[method-assign, assignment]
    assert wire.send(request("/none") + request()).statuses == [500, 200]
