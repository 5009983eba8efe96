"""`GET /docs`: a page to try the model. Everything on it comes from this server; it reads /openapi.json.

The page's parts are files of this package, in `page/`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.door import Methods

_PARTS = {
    "": ("page.html", b"text/html; charset=utf-8"),
    "page.js": ("page.js", b"text/javascript; charset=utf-8"),
    "page.css": ("page.css", b"text/css; charset=utf-8"),
    "icon.svg": ("icon.svg", b"image/svg+xml"),
}
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)


class DocsDoor:
    """The page and its parts."""

    def match(self, parts: list[str]) -> Methods | None:
        """/docs and the files below it."""
        match parts:
            case ["docs"]:
                return {b"GET": _Part("")}
            case ["docs", name] if name in _PARTS:
                return {b"GET": _Part(name)}
        return None


class _Part:
    body_limit = 64 << 10
    needs_body = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._file, self._type = _PARTS[name]

    def __call__(self, exchange: Exchange) -> None:
        if not self._name and exchange.head.path.endswith(b"/"):
            # The page's parts are found relative to it.
            exchange.answer(308, b"", self._type, ((b"location", b"../docs"),))
            return
        exchange.answer(200, _read(self._file), self._type, _HEADERS)


@cache
def _read(file: str) -> bytes:
    return (Path(__file__).parent / "page" / file).read_bytes()
