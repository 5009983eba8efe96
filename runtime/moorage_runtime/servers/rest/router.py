"""From the head of a request to the route that answers it, or to the refusal that the client gets before its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import unquote

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import faults
from moorage_runtime.servers.rest.door import Door, Methods

PATHS = "/v2, /v1/models, /v1/predict, /openapi.json, /docs"


class Router:
    """The application of the public port. `epoch` grows whenever what a head led to may have changed."""

    def __init__(self, doors: Sequence[Door], epoch: Callable[[], int]) -> None:
        self._doors = doors
        self._epoch = epoch

    @property
    def epoch(self) -> int:
        """Routes given under another epoch are void."""
        return self._epoch()

    def route(self, head: Head) -> Route:
        """What answers this request. Raises `RequestFault` 404, 405 or 503."""
        methods = self._methods(head.path)
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

    def _methods(self, path: bytes) -> Methods:
        parts = [unquote(part) for part in path.decode("latin-1").removesuffix("/").split("/")[1:]]
        for door in self._doors:
            methods = door.match(parts)
            if methods is not None:
                return methods
        raise RequestFault(404, "NotFound", f"no such path; this server speaks {PATHS}")
