"""The admin port: what may load and unload is asked by anybody who reaches it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.attack import Attack
from tests.hostile.sending import attack, raw
from tests.hostile.transport import NAMES
from tests.unit.runtime.bad import v2_json
from tests.unit.runtime.bad.case import Case

INDEX, LOAD = "/v2/repository/index", "/v2/repository/models/nobody/load"
REFUSED = {
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "parameters": b'{"parameters":{"config":"{}"}}',
    "a file in the parameters": b'{"parameters":{"file:1/model.onnx":"AAAA"}}',
    "parameters a text": b'{"parameters":"x"}',
    "no UTF-8": b'{"a\xff":1}',
}


def attacks() -> Iterator[Attack]:
    yield from _bodies()
    yield from _paths()


def _bodies() -> Iterator[Attack]:
    for path in (INDEX, LOAD):
        for name, body in v2_json.NO_JSON.items():
            if body:
                yield attack("admin", "malformed JSON", Case(f"{path}: {name}", body, (400,), path))
        for name, body in v2_json.DEEP.items():
            yield attack("admin", "depth bombs", Case(f"{path}: {name}", body, (400, 413), path))
        yield attack("admin", "sizes", Case(f"{path}: too large", bytes(1 << 20), (413,), path))
    for name, body in REFUSED.items():
        ends = (200, 400) if "parameters" in name else (400,)
        yield attack("admin", "closed doors", Case(f"index: {name}", body, ends, INDEX))
        yield attack("admin", "closed doors", Case(f"load: {name}", body, (400,), LOAD))


def _paths() -> Iterator[Attack]:
    for name in NAMES:
        part = "".join(f"%{byte:02X}" for byte in name.encode()) if not name.isascii() else name
        for verb in ("load", "unload"):
            path = f"/v2/repository/models/{part}/{verb}"
            yield attack("admin", "paths", Case(f"{verb} {part[:60]}", b"", (404,), path))
    for path in ("/readyz", "/livez", "/startupz", "/metrics", "/state"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            yield attack("admin", "heads and smuggling", Case(f"{method} {path}", b"", (405,), path, method))
        yield attack(
            "admin", "other media", Case(f"{path} as HTML", None, (406,), path, "GET", {"Accept": "text/html"})
        )
    for path in ("/v2/models/fraud/infer", "/v1/predict/scores", "/docs", "/", "/metrics/more", "/v2/repository"):
        yield attack("admin", "closed doors", Case(path, b"{}", (404,), path))
    long = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 65_536 + b"\r\n\r\n"
    yield raw("admin", "heads and smuggling", "a header of 64 KiB", long, 431, admin=True)
    loop = b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100_000
    yield raw("admin", "sizes", "a body without an end", loop, 400, 413, admin=True)
