"""Bad paths and heads of the V2 door."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.unit.runtime.bad.case import INFER, Case
from tests.unit.runtime.bad.v2_json import request

BODY = json.dumps(request()).encode()
GONE = [
    "/v2/models/other/infer",
    "/v2/models/FRAUD/infer",
    "/v2/models//infer",
    "/v2/models/fraud%00/infer",
    "/v2/models/../models/fraud/infer/x",
    "/v2/models/%2e%2e/fraud/infer",
    "/v2/models/..%2f..%2fetc%2fpasswd/infer",
    "/v2/models/fr\u0430ud/infer".encode().decode("latin-1").replace("\u00d0", "%D0").replace("\u00b0", "%B0"),
    "/v2/models/%ff%fe/infer",
    "/v2/models/%zz/infer",
    "/v2/models/" + "a" * 7000 + "/infer",
    "/v2/models/fraud/versions/4/infer",
    "/v2/models/fraud/versions//infer",
    "/v2/models/fraud/versions/03/infer",
    "/v2/models/fraud/versions/3%00/infer",
    "/v2/models/fraud/versions/-1/infer",
    "/v2/models/fraud/versions/../infer",
    "/v2/models/fraud/infer/more",
    "/v2/models/fraud/infer%20",
    "/v2/models/fraud/INFER",
    "/v2/models/fraud/generate",
    "/v2/models/fraud/generate_stream",
    "/v2/models/fraud/config",
    "/v2/models/fraud/stats",
    "/v2/models/fraud/trace/setting",
    "/v2/repository/index",
    "/v2/repository/models/fraud/load",
    "/v2/repository/models/fraud/unload",
    "/v2/systemsharedmemory/region/r/register",
    "/v2/systemsharedmemory/status",
    "/v2/cudasharedmemory/region/r/register",
    "/v2/logging",
    "/v2/trace/setting",
    "/v3/models/fraud/infer",
    "/v2//models/fraud/infer",
    "//v2/models/fraud/infer",
    "/state",
    "/metrics",
]
HEADS: list[tuple[dict[str, str], int]] = [
    ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ({"Content-Type": "text/csv"}, 415),
    ({"Content-Type": "application/x-protobuf"}, 415),
    ({"Content-Type": "application/grpc"}, 415),
    ({"Content-Type": "image/png"}, 415),
    ({"Content-Type": "application/xml"}, 415),
    ({"Content-Type": "nonsense"}, 415),
    ({"Content-Type": ";;;"}, 415),
    ({"Accept": "text/html"}, 406),
    ({"Accept": "application/json;q=0"}, 406),
    ({"Accept": "*/*;q=0"}, 406),
    ({"Accept": "text/event-stream"}, 406),
    ({"Accept": ""}, 406),
    ({"Accept": ",,,"}, 406),
    ({"Accept": "application/json;q=nonsense"}, 406),
    ({"X-Request-Timeout": "0"}, 400),
    ({"X-Request-Timeout": "-1s"}, 400),
    ({"X-Request-Timeout": "nan"}, 400),
    ({"X-Request-Timeout": "inf"}, 400),
    ({"X-Request-Timeout": "1e999"}, 400),
    ({"X-Request-Timeout": "1y"}, 400),
    ({"X-Request-Timeout": "ms"}, 400),
    ({"X-Request-Timeout": "1mss"}, 400),
    ({"X-Request-Timeout": "9" * 400}, 400),
    ({"Expect": "a miracle"}, 417),
    ({"Upgrade": "websocket", "Connection": "Upgrade"}, 200),
    ({"traceparent": "00-zz", "tracestate": "~" * 600}, 200),
    ({"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil", "Forwarded": "for=1"}, 200),
    ({"X-Model-Version": "999"}, 404),
    ({"X-Request-Id": "<script>"}, 200),
    ({"Authorization": "Bearer x", "X-API-Key": "y", "Cookie": "a=b"}, 200),
    ({"Cache-Control": "no-cache, no-store, nonsense=;"}, 200),
]


def cases() -> Iterator[Case]:
    for path in GONE:
        yield Case(f"path {path[:60]}", BODY, (404,), path=path)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        yield Case(f"method {method}", None, (405,), method=method)
    yield Case("no body and no length", None, (411,), headers={"Content-Length": ""})
    for headers, status in HEADS:
        yield Case(f"head {next(iter(headers.items()))!a}"[:80], BODY, (status,), headers=headers)
    yield Case("a slash in a name", BODY, (405,), path="/v2/models/%66raud%2finfer")
    yield Case("a query", BODY, (200,), path=INFER + "?a=%00&b=..%2f")
