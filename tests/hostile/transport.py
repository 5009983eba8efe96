"""What is bad before any protocol of ours: sizes, compression, paths, heads, other media, at every HTTP door."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

from tests.hostile.attack import Attack
from tests.hostile.json_doors import ROW, SCORES, SCORES_V1
from tests.hostile.sending import CLOSED, attack, raw
from tests.unit.runtime.bad.case import INFER, Case

WHOLE = {
    "v2 json": (INFER.replace("fraud", "pair"), json.dumps({"inputs": [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}).encode()),
    "v1": (SCORES_V1, b'{"instances":[[1,2,3]]}'),
    "features": (SCORES, json.dumps({"features": ROW}).encode()),
}  # fmt: skip
LIMIT = {"v2 json": 64 << 20, "v1": 4 << 20, "features": 4 << 20}
NAMES = [
    "..",
    ".",
    "%2e%2e",
    "%2E%2E%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cwindows",
    "%00",
    "scores%00",
    "scores%0a",
    "scores%0d%0aX:y",
    "scores%20",
    "SCORES",
    "sc\u043eres",
    "%ff%fe",
    "%zz",
    "%",
    "a" * 7000,
    "%c0%ae%c0%ae",
    "scores;v=1",
    "scores%3fx",
    "~root",
    "$(id)",
    "%7b%7b7*7%7d%7d",
    "'%20or%201=1--",
    "%e2%80%ae",
]
HIDDEN = [
    "/readyz",
    "/livez",
    "/startupz",
    "/metrics/",
    "/state/",
    "/debug/pprof",
    "/v1/models/scores:load",
    "/v1/models/scores/load",
    "/v1/models/scores:classify",
    "/v1/models/scores/metadata",
    "/v2/repository/models/..%2f..%2fetc/load",
    "/.env",
    "/.git/config",
    "/docs/..%2fpage.html",
    "/docs/%2e%2e/docs.py",
    "/docs/page.html",
    "/openapi.yaml",
    "//",
    "/favicon.ico",
    "/admin",
]


def attacks() -> Iterator[Attack]:
    for door, (path, whole) in WHOLE.items():
        yield from _sizes(door, path, whole)
        yield from _compressed(door, path, whole)
    yield from _paths()
    yield from _heads()
    yield from _documents()


def _head(path: str, *lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _sizes(door: str, path: str, whole: bytes) -> Iterator[Attack]:
    limit, chunked = LIMIT[door], "Transfer-Encoding: chunked"
    million = _chunk(bytes(1 << 20))
    half = f"Content-Length: {len(whole) * 2}"
    table: dict[str, tuple[bytes, tuple[int | str, ...]]] = {
        "a byte over the limit, announced": (_head(path, f"Content-Length: {limit + 1}"), (413,)),
        "2^31 announced": (_head(path, "Content-Length: 2147483648"), (413,)),
        "2^63 announced": (_head(path, "Content-Length: 9223372036854775808"), (413,)),
        "2^64 - 1 announced": (_head(path, "Content-Length: 18446744073709551615"), (400, 413)),
        "over the limit, asking first": (_head(path, f"Content-Length: {limit + 1}", "Expect: 100-continue"), (413,)),
        "no length": (_head(path), (411,)),
        "nothing": (_head(path, "Content-Length: 0"), (400,)),
        "an empty chunked body": (_head(path, chunked) + b"0\r\n\r\n", (400,)),
        "chunks over the limit": (_head(path, chunked) + million * ((limit >> 20) + 1), (413,)),
        "a chunk of 2^63": (_head(path, chunked) + b"8000000000000000\r\n", (413,)),
        "a chunk of 2^64": (_head(path, chunked) + b"10000000000000000\r\n", (400,)),
        "a chunk of -1": (_head(path, chunked) + b"-1\r\n", (400,)),
        "chunks of a byte": (_head(path, chunked) + b"".join(map(_chunk, _bytes(whole))) + b"0\r\n\r\n", (200,)),
        "chunks of a byte, many": (_head(path, chunked) + b"1\r\n \r\n" * 50_000 + b"0\r\n\r\n", (400,)),
        "a chunk's extension of 64 KiB": (_head(path, chunked) + b"1;" + b"x" * 65_536 + b"\r\n", (400,)),
        "trailers of 64 KiB": (_head(path, chunked) + _chunk(whole) + b"0\r\nx: " + b"y" * 65_536, (400,)),
        "a length that ends in the body": (_head(path, f"Content-Length: {len(whole) // 2}") + whole, (400,)),
    }
    for name, (data, ends) in table.items():
        yield raw(door, "sizes", name, data, *ends)
    yield _cut("sizes", door, "a body that never ends", _head(path, half) + whole)
    yield _cut("sizes", door, "a chunk that never ends", _head(path, chunked) + b"ff\r\n" + whole)


def _bytes(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def _cut(kind: str, door: str, name: str, data: bytes) -> Attack:
    """The client ends its sending in the middle: nobody waits for the rest."""
    import socket

    from tests.hostile.sending import connected, told
    from tests.hostile.server import Server

    def act(server: Server) -> str:
        with connected(server.port) as line:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            return told(line)[0]

    return Attack(door, kind, name, act, (CLOSED, "400"))


def _compressed(door: str, path: str, whole: bytes) -> Iterator[Attack]:
    bomb = gzip.compress(bytes(LIMIT[door] * 2), 9)
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    table: dict[str, tuple[bytes, str, tuple[int, ...]]] = {
        "gzip": (gzip.compress(whole), "gzip", (200,)),
        "deflate": (zlib.compress(whole), "deflate", (200,)),
        "a bomb of zeros": (bomb, "gzip", (413,)),
        "a bomb by deflate": (zlib.compress(bytes(LIMIT[door] * 2), 9), "deflate", (413,)),
        "a bomb of brackets": (gzip.compress(b"[" * (LIMIT[door] * 2), 9), "gzip", (413,)),
        "a bomb in a bomb": (gzip.compress(bomb, 9), "gzip", (400,)),
        "a bomb in a bomb, as told": (gzip.compress(bomb, 9), "gzip, gzip", (415,)),
        "a bomb of blanks within the limit": (gzip.compress(b" " * (3 << 20), 9), "gzip", (400,)),
        "bombs one after the other": (gzip.compress(bytes(1 << 20), 9) * 100, "gzip", (400, 413)),
        "deflate without its frame": (deflated.compress(whole) + deflated.flush(), "deflate", (200, 400)),
        "cut off": (gzip.compress(whole)[:-9], "gzip", (400,)),
        "a wrong checksum": (gzip.compress(whole)[:-8] + bytes(8), "gzip", (400,)),
        "bytes behind it": (gzip.compress(whole) + b"more", "gzip", (400,)),
        "none at all": (whole, "gzip", (400,)),
        "brotli": (whole, "br", (415,)),
        "zstd": (whole, "zstd", (415,)),
        "nothing": (b"", "gzip", (400,)),
        "a coding with a line's end": (whole, "x" * 4000, (415,)),
    }
    for name, (body, coding, ends) in table.items():
        told = {"Content-Encoding": coding}
        yield attack(door, "compression bombs", Case(name, body, ends, path, headers=told))


def _paths() -> Iterator[Attack]:
    for name in NAMES:
        part = "".join(f"%{byte:02X}" for byte in name.encode()) if not name.isascii() else name
        for door, path in (
            ("v1", f"/v1/models/{part}:predict"),
            ("v1", f"/v1/models/scores/versions/{part}:predict"),
            ("features", f"/v1/predict/{part}"),
            ("documents", f"/docs/{part}"),
        ):
            method, body = ("GET", None) if door == "documents" else ("POST", b"{}")
            told = (200, 404) if path == "/docs/." else (404,)
            yield attack(door, "paths", Case(path[:80], body, told, path, method))
    for path in HIDDEN:
        yield attack("documents", "closed doors", Case(path, None, (404,), path, "GET"))


def _heads() -> Iterator[Attack]:
    path, whole = WHOLE["features"]
    length = f"Content-Length: {len(whole)}"
    smuggled = b"POST /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    table: dict[str, tuple[bytes, tuple[int | str, ...]]] = {
        "a header of 64 KiB": (_head(path, length, "X: " + "y" * 65_536), (431,)),
        "a header of 64 KiB without an end": (_head(path)[:-4] + b"\r\nX: " + b"y" * 70_000, (431,)),
        "a name of 64 KiB": (_head(path, length, "y" * 65_536 + ": x"), (431,)),
        "a thousand headers": (_head(path, length, *(f"X-{at}: y" for at in range(1000))), (431,)),
        "a thousand alike": (_head(path, length, *["X: y"] * 1000), (431,)),
        "a megabyte of headers": (_head(path, length, *["X: " + "y" * 1000] * 1000), (431,)),
        "a path of 9 KB": (_head("/" + "a" * 9000), (414,)),
        "a path of 9 KB without an end": (b"GET /" + b"a" * 9000, (414,)),
        "a query of 9 KB": (_head(path + "?" + "a" * 9000), (414,)),
        "a method of 9 KB": (b"G" * 9000 + b" / HTTP/1.1\r\n\r\n", (400, 414)),
        "an unknown method": (_head(path, length, method="BREW") + whole, (405,)),
        "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", (404, 405)),
        "length and chunks": (_head(path, length, "Transfer-Encoding: chunked") + b"0\r\n\r\n" + smuggled, (400,)),
        "two lengths": (_head(path, length, "Content-Length: 5") + whole + smuggled, (400,)),
        "a host with a path": (_head(path, length).replace(b"Host: a", b"Host: a/..") + whole, (400,)),
        "no host": (_head(path, length).replace(b"Host: a\r\n", b"") + whole, (400,)),
        "the proxy's form": (_head("http://evil" + path, length) + whole, (200,)),
        "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100), (400,)),
        "h2c": (_head(path, length, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
                + whole, (200,)),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), (400,)),
        "noise": (bytes(range(256)) * 10, (400,)),
        "line ends": (b"\r\n" * 50_000 + _head(path, length) + whole, (200,)),
        "a hundred requests at once": ((_head(path, length) + whole) * 100, (200,)),
        "ten thousand pings at once": (_head("/v2/health/live", method="GET") * 10_000, (200,)),
    }  # fmt: skip
    for name, (data, ends) in table.items():
        yield raw("transport", "heads and smuggling", name, data, *ends)


def _documents() -> Iterator[Attack]:
    for path in ("/openapi.json", "/docs", "/docs/page.js", "/v2", "/v2/models/pair", "/v1/models"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            yield attack("documents", "heads and smuggling", Case(f"{method} {path}", b"{}", (405,), path, method))
        yield raw("documents", "sizes", f"{path}: a body of 2^40", _get(path, "Content-Length: 1099511627776"), 413)
        yield raw("documents", "sizes", f"{path}: a body that is small", _get(path, "Content-Length: 2") + b"{}", 200)
        upgrade = _get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA")
        yield raw("documents", "other media", f"{path}: websocket", upgrade, 200)
        coded = _get(path, "Content-Encoding: br", "Content-Length: 2") + b"{}"
        yield raw("documents", "compression bombs", f"{path}: a coded body", coded, 415)


def _get(path: str, *lines: str) -> bytes:
    return _head(path, *lines, method="GET")
