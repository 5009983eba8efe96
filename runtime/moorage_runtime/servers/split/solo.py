"""Where no other revision is known: a version that a client names by header must be the one that answers."""

from __future__ import annotations

from urllib.parse import unquote

from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest.faults import HOP

NAMED = b"x-model-version"


class Solo:
    """The splitter of a server of many models, which has no route table."""

    def lead(self, head: Head, local: Route) -> Route:
        """See `Splitter`."""
        named = head.headers.get(NAMED)
        served: Served | None = getattr(local, "served", None)
        if named is None or served is None or HOP in head.headers:
            return local
        if unquote(named.decode("latin-1")) not in (served.version, served.revision, "stable"):
            raise RequestFault(
                404,
                "VersionNotFound",
                f"{NAMED.decode()}: version {served.version} answers here; name another one in the path, as in "
                "/v2/models/{model}/versions/{version}/infer",
            )
        return local

    def elsewhere(self, _head: Head, fault: RequestFault) -> Route:
        """See `Splitter`."""
        raise fault
