"""A small client of the API server: JSON in, JSON out, one connection per thread."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import yaml
from e2e.harness.kinds import Kind

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Refused(Exception):
    """The API server said no. `code`: the HTTP status; the text is the server's own message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Access:
    """How the API server is reached: from one kubeconfig's current context, by client certificate."""

    host: str
    port: int
    tls: ssl.SSLContext


def read_access(kubeconfig: Path) -> Access:
    """Read the current context of `kubeconfig` (embedded certificates, as kind and our node write it)."""
    config = yaml.safe_load(kubeconfig.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    url = urlsplit(cluster["server"])
    tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "crt", Path(folder) / "key"
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
        key.write_bytes(base64.b64decode(user["client-key-data"]))
        tls.load_cert_chain(certificate, key)
    return Access(url.hostname or "127.0.0.1", url.port or 443, tls)


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


class ApiServer:
    """Typed by `Kind`; every method raises `Refused` with the server's code and message."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._local = threading.local()

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """One object."""
        return self.request("GET", kind.path(namespace, name))

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """One object, or None when there is none."""
        try:
            return self.get(kind, namespace, name)
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def all(self, kind: Kind, namespace: str | None = None, selector: str = "") -> list[Object]:
        """All objects of a kind in a namespace (all namespaces when None), by label selector."""
        query = {"labelSelector": selector} if selector else {}
        return cast("list[Object]", self.request("GET", kind.path(namespace), query=query).get("items", []))

    def create(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        """Create; 409 when it exists."""
        return self.request("POST", kind.path(namespace), body)

    def apply(self, kind: Kind, namespace: str | None, body: Object, manager: str = "e2e") -> Object:
        """Server-side apply, as GitOps tools do it."""
        named = {"apiVersion": kind.api_version, **body}
        query = {"fieldManager": manager, "force": "true"}
        return self.request("PATCH", kind.path(namespace, body["metadata"]["name"]), named, APPLY, query)

    def merge(self, kind: Kind, namespace: str | None, name: str, patch: Object, subresource: str = "") -> Object:
        """Merge patch: None removes a field."""
        return self.request("PATCH", kind.path(namespace, name, subresource), patch, MERGE)

    def delete(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Delete in the background; nothing happens when it is gone already."""
        try:
            self.request("DELETE", kind.path(namespace, name), {"propagationPolicy": "Background"})
        except Refused as refused:
            if refused.code != 404:
                raise

    def request(
        self,
        method: str,
        path: str,
        body: Object | list[Object] | None = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Object:
        """One call; a connection that the server closed meanwhile is opened again once."""
        url = f"{path}?{urlencode(query)}" if query else path
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "User-Agent": "moorage-e2e"}
        try:
            status, text = self._exchange(method, url, payload, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._forget()
            status, text = self._exchange(method, url, payload, headers)
        answer = cast("Object", json.loads(text)) if text[:1] == b"{" else {"message": text.decode(errors="replace")}
        if status >= 400:
            raise Refused(status, str(answer.get("message", "")))
        return answer

    def watch(self, kind: Kind, namespace: str, name: str, seconds: int, since: str = "") -> Iterator[Object]:
        """Every state of one object (of all when `name` is empty), the present one first; ends after `seconds`.

        `since`: only what came after this resourceVersion.
        """
        connection = self._connect(seconds + 5)
        query = {"watch": "1", "timeoutSeconds": str(seconds), **({"resourceVersion": since} if since else {})}
        if name:
            query["fieldSelector"] = f"metadata.name={name}"
        try:
            connection.request("GET", f"{kind.path(namespace)}?{urlencode(query)}")
            for line in connection.getresponse():
                yield cast("Object", json.loads(line))
        finally:
            connection.close()

    def _exchange(self, method: str, url: str, payload: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(30)
        try:
            connection.request(method, url, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self._forget()
            raise

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.access.host, self.access.port, context=self.access.tls, timeout=timeout)

    def _forget(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None
