"""Runs inside the cluster with nothing but Python: a judge of rollouts whose opinion is the path that it is asked by.

`POST /<opinion>` answers as such a judge would, `GET /asked` with the last body of each opinion, as JSON.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8080
SLOW_SECONDS = 10.0


def told(verdict: str, message: str) -> bytes:
    """An answer as the operator expects it."""
    return json.dumps({"verdict": verdict, "message": message}).encode()


ANSWERS: dict[str, tuple[int, bytes]] = {
    "content": (200, told("Pass", "we like it")),
    "discontent": (200, told("Fail", "revenue fell")),
    "undecided": (200, told("Inconclusive", "ask me later")),
    "garbled": (200, b"<html>verdict: Pass</html>"),
    "broken": (503, told("Pass", "not this one")),
    "slow": (200, told("Pass", "too late")),
    "elsewhere": (307, b""),
}
"""Status and body by opinion. `elsewhere` sends on to one who is content."""


class Judge(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    asked: dict[str, Any] = {}  # noqa: RUF012 - of all connections, as the class is the server's only state

    def do_POST(self) -> None:
        opinion = self.path.strip("/")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked[opinion] = {"body": json.loads(body), "headers": dict(self.headers)}
        if opinion == "slow":
            time.sleep(SLOW_SECONDS)
        self._answer(*ANSWERS[opinion])

    def do_GET(self) -> None:
        self._answer(200, json.dumps(self.asked).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == ANSWERS["elsewhere"][0]:
            self.send_header("Location", "/content")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Judge).serve_forever()
