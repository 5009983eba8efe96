"""Artifacts that an MLflow server hands out (`mlflow-artifacts:/path`), over its two artifact routes.

    GET {trackingUri}/api/2.0/mlflow-artifacts/artifacts?path=FOLDER     the names in one folder
    GET {trackingUri}/api/2.0/mlflow-artifacts/artifacts/PATH            the bytes of one file

MLflow's own client needs more than a second of CPU before its first byte, in every pod that starts; these two calls
need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from moorage_runtime.config import Source
from moorage_runtime.storage import reasons
from moorage_runtime.storage.mlflow_faults import answered, faults
from moorage_runtime.storage.paths import DEPTH, checked
from moorage_runtime.storage.store import Entry

if TYPE_CHECKING:
    from urllib3 import PoolManager
    from urllib3.response import BaseHTTPResponse

ROUTE = "/api/2.0/mlflow-artifacts/artifacts"
FOLDERS = 1000
CHUNK = 1 << 20
LISTING_BYTES = 16 << 20
PARTIAL_CONTENT = 206


class _Listed(msgspec.Struct):
    path: str
    is_dir: bool = False
    file_size: int | str | None = None


class _Listing(msgspec.Struct):
    files: list[_Listed] = []


class MlflowServer:
    """GET requests to one server, each made once: trying again is the caller's business."""

    def __init__(self, url: str, pool: PoolManager, headers: Mapping[str, str]) -> None:
        self._url = url.rstrip("/") + ROUTE
        self._pool = pool
        self._headers = headers

    def get(self, what: str, path: str = "", query: str | None = None, offset: int = 0) -> BaseHTTPResponse:
        """An answer 200 or 206 whose body is still to be read. Raises `ArtifactFault` for any other."""
        headers = {**self._headers, "Range": f"bytes={offset}-"} if offset else dict(self._headers)
        fields = None if query is None else {"path": query}
        answer = self._pool.request(
            "GET", self._url + quote(path), fields=fields, headers=headers, preload_content=False, redirect=False
        )
        if answer.status not in (200, PARTIAL_CONTENT):
            raise answered(answer.status, answer.read(2000), what)
        return answer


class MlflowStore:
    """One artifact folder behind a tracking server."""

    def __init__(self, root: str, server: MlflowServer) -> None:
        self._root = root.strip("/")
        self._server = server

    def entries(self) -> Iterator[Entry]:
        """Walk the server's listing; a listing that nests or fans out without end is refused."""
        pending = [""]
        visited = 0
        while pending:
            visited += 1
            if visited > FOLDERS:
                raise reasons.refuse(reasons.TOO_MANY_FILES, f"the artifact has more than {FOLDERS} folders")
            folder = pending.pop()
            for found in self._list(folder):
                path = f"{folder}/{found.path}" if folder else found.path
                if found.is_dir:
                    pending.append(_folder(path))
                else:
                    yield Entry(path=path, size=int(found.file_size or 0))

    def fetch(self, entry: Entry, part: Path) -> None:
        """Append what is missing, where the server knows ranges; else fetch the whole file anew."""
        offset = part.stat().st_size
        with faults(entry.path), part.open("ab") as into:
            answer = self._server.get(entry.path, f"/{self._root}/{entry.path}", offset=offset)
            try:
                if answer.status != PARTIAL_CONTENT:
                    into.truncate(0)
                for chunk in answer.stream(CHUNK):
                    into.write(chunk)
            finally:
                answer.close()

    def _list(self, folder: str) -> list[_Listed]:
        what = folder or "the artifact"
        with faults(what):
            answer = self._server.get(what, query="/".join(part for part in (self._root, folder) if part))
            try:
                return msgspec.json.decode(answer.read(LISTING_BYTES), type=_Listing).files
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise reasons.refuse(reasons.STORE_ERROR, f"{what}: the MLflow server's list is no list") from error
            finally:
                answer.close()


def _folder(path: str) -> str:
    if path.count("/") >= DEPTH:
        raise reasons.refuse(reasons.UNSAFE_PATH, f"the artifact is deeper than {DEPTH} folders")
    return checked(path)


def connect(source: Source, credentials: Mapping[str, str]) -> MlflowServer:
    """The server behind the source, with `credentials` by MLflow's own names."""
    if not source.tracking_uri:
        raise reasons.refuse(reasons.SOURCE_UNSUPPORTED, "this registry has no MLflow server; name one that has")
    import urllib3

    settings: dict[str, Any] = {"ca_certs": source.ca_file} if source.ca_file else {}
    pool = urllib3.PoolManager(
        retries=False,
        timeout=urllib3.Timeout(connect=source.connect_timeout_seconds, read=source.read_timeout_seconds),
        **settings,
    )
    return MlflowServer(source.tracking_uri, pool, _authorization(credentials))


def _authorization(credentials: Mapping[str, str]) -> dict[str, str]:
    import urllib3

    user, password = credentials.get("MLFLOW_TRACKING_USERNAME"), credentials.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        return dict(urllib3.make_headers(basic_auth=f"{user}:{password}"))
    token = credentials.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
