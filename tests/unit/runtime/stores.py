"""An S3 server and an MLflow artifact server, small enough to break on purpose."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

Fault = Callable[["Handler"], bool]
LIST = "/api/2.0/mlflow-artifacts/artifacts"


class Store(ThreadingHTTPServer):
    """Objects by key, and faults: each is asked in turn and says whether it answered the request itself."""

    daemon_threads = True

    def __init__(self, kind: type[Handler]) -> None:
        super().__init__(("127.0.0.1", 0), kind)
        self.objects: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of these tests; any other error is one of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """What both servers share."""

    protocol_version = "HTTP/1.1"
    server: Store

    def do_GET(self) -> None:
        self.query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        self.route = unquote(urlsplit(self.path).path)
        self.server.seen.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        if not any(fault(self) for fault in list(self.server.faults)):
            self.answer()

    do_HEAD = do_GET  # noqa: N815 - likewise

    def answer(self) -> None:
        raise NotImplementedError

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class S3(Handler):
    """ListObjectsV2, HEAD and GET with Range and If-Match, for the bucket `models`."""

    page: ClassVar[int] = 3

    def answer(self) -> None:
        bucket, _, key = self.route.lstrip("/").partition("/")
        if bucket != "models":
            return self.error(404, "NoSuchBucket")
        if not key:
            return self.listing()
        if key not in self.server.objects:
            return self.error(404, "NoSuchKey")
        return self.object(self.server.objects[key])

    def object(self, content: bytes) -> None:
        tag = etag(content)
        if self.headers.get("If-Match", tag) != tag:
            return self.error(412, "PreconditionFailed")
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        status = 206 if "Range" in self.headers else 200
        return self.say(status, content[start:], ETag=tag)

    def listing(self) -> None:
        prefix, after = self.query.get("prefix", ""), self.query.get("continuation-token", "")
        keys = sorted(key for key in self.server.objects if key.startswith(prefix) and key > after)
        page = keys[: self.page]
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.server.objects[key])}</Size>"
            f"<ETag>{escape(etag(self.server.objects[key]))}</ETag></Contents>"
            for key in page
        )
        more = len(keys) > len(page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        text = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}"
        self.say(200, f"<ListBucketResult>{text}</ListBucketResult>".encode(), Content_Type="application/xml")

    def error(self, status: int, code: str) -> None:
        self.say(status, f"<Error><Code>{code}</Code></Error>".encode(), Content_Type="application/xml")


class Mlflow(Handler):
    """Listing and download of proxied artifacts."""

    def answer(self) -> None:
        if self.route == LIST:
            return self.listing(self.query.get("path", ""))
        found = self.server.objects.get(self.route.removeprefix(LIST).lstrip("/"))
        if found is None:
            return self.say(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}')
        return self.say(200, found)

    def listing(self, folder: str) -> None:
        below = {key.removeprefix(f"{folder}/"): key for key in self.server.objects if key.startswith(f"{folder}/")}
        files = [
            {"path": path, "is_dir": False, "file_size": len(self.server.objects[key])}
            for path, key in below.items()
            if "/" not in path
        ]
        folders = {path.partition("/")[0] for path in below if "/" in path}
        files += [{"path": path, "is_dir": True} for path in folders]
        self.say(200, json.dumps({"files": files}).encode(), Content_Type="application/json")


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def running(kind: type[Handler]) -> Iterator[Store]:
    store = Store(kind)
    thread = threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()


def says(status: int, body: bytes = b"", times: int = 10**6, only: str = "") -> Fault:
    """Answers with a status, so many times, where the path holds `only`."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if only not in handler.path or not left[0]:
            return False
        left[0] -= 1
        handler.say(status, body)
        return True

    return fault


def cuts(after: int, times: int, only: str = "") -> Fault:
    """Breaks the connection `after` so many bytes of content, so many times."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if only not in handler.path or not left[0] or handler.command != "GET":
            return False
        left[0] -= 1
        whole = handler.wfile

        class Cut:
            def write(self, data: bytes) -> int:
                if data.startswith(b"HTTP/"):
                    return whole.write(data)
                whole.write(data[:after])
                whole.flush()
                handler.connection.shutdown(2)
                raise BrokenPipeError

            def flush(self) -> None:
                whole.flush()

        handler.wfile = Cut()  # type: ignore[assignment]
        handler.close_connection = True
        try:
            handler.answer()
        except BrokenPipeError:
            handler.wfile = whole
        return True

    return fault


def hangs(seconds: float) -> Fault:
    """Says nothing for a while."""

    def fault(handler: Handler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return fault
