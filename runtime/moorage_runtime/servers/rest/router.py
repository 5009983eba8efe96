"""From the head of a request to the route that answers it, or to the refusal that the client gets before its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import unquote

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import faults
from moorage_runtime.servers.rest.auth import Keys
from moorage_runtime.servers.rest.door import Door, Methods

_PATHS = 64
PATHS = "/v2, /v1/models, /v1/predict, /openapi.json, /docs"


class Splitter(Protocol):
    """Knows of other revisions that may answer."""

    def lead(self, head: Head, local: Route) -> Route:
        """The route of a head that leads to `local` here. Raises `RequestFault` 404 for a version nobody has."""

    def elsewhere(self, head: Head, fault: RequestFault) -> Route:
        """The route of a head that leads nowhere here; raises `fault` when it leads nowhere else either."""


class Router:
    """The application of a port. `epoch`: routes given under another one are void. `paths`: what there is, for who asks
    elsewhere.

    `renew` is to be called whenever what a head leads to may have changed. `splitter` may be set: it has the last word
    on where a head leads.
    """

    splitter: Splitter | None = None

    def __init__(self, doors: Sequence[Door], keys: Keys | None = None, paths: str = PATHS) -> None:
        self.paths = paths
        self.epoch = 0
        self._doors = doors
        self._keys = keys
        self._known: dict[bytes, Methods] = {}
        if keys is not None:
            keys.follow(self.renew)

    def renew(self) -> None:
        """Forget where heads led. Told, not asked for: every request would have to ask."""
        self.epoch += 1
        self._known.clear()

    def route(self, head: Head) -> Route:
        """What answers this request, as far as its head tells. Raises `RequestFault` 400, 401, 404 to 406, 415 or 503.

        Only who has a key learns which paths there are.
        """
        if self._keys is not None:
            self._keys.check(head)
        if self.splitter is None:
            return self.let_in(head)
        try:
            local = self.let_in(head)
        except RequestFault as fault:
            return self.splitter.elsewhere(head, fault)
        return self.splitter.lead(head, local)

    def let_in(self, head: Head) -> Route:
        """This server's own route of a head, whoever sent it. Raises as `route` does."""
        route = self.again(head)
        accept: Callable[[Head], None] | None = getattr(route, "accept", None)
        if accept is not None:
            accept(head)
        return route

    def again(self, head: Head) -> Route:
        """The same for a head that was let in before."""
        methods = self._known_methods(head.path)
        route = methods.get(head.method) or (methods.get(b"GET") if head.method == b"HEAD" else None)
        if route is None:
            allowed = [*methods, *([b"HEAD"] if b"GET" in methods else [])]
            raise RequestFault(
                405,
                "MethodNotAllowed",
                f"this path takes {next(iter(methods)).decode()}",
                ((b"allow", b", ".join(allowed)),),
            )
        return route

    def error(self, head: Head | None, fault: RequestFault, request_id: bytes) -> bytes:
        """The body that tells a refusal."""
        return faults.document(head, fault, request_id)

    def _known_methods(self, path: bytes) -> Methods:
        """Heads differ more often than paths: a length, a trace, a request id."""
        methods = self._known.get(path)
        if methods is None:
            methods = self._methods(path)
            if len(self._known) >= _PATHS:
                self._known.clear()
            self._known[path] = methods
        return methods

    def _methods(self, path: bytes) -> Methods:
        parts = [unquote(part) for part in path.decode("latin-1").removesuffix("/").split("/")[1:]]
        for door in self._doors:
            methods = door.match(parts)
            if methods is not None:
                return methods
        raise RequestFault(404, "NotFound", f"no such path; this server speaks {self.paths}")
