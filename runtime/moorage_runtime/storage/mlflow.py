"""Artifacts that an MLflow server hands out (`mlflow-artifacts:/path`), by MLflow's own client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moorage_runtime.config import Source
from moorage_runtime.storage import reasons
from moorage_runtime.storage.mlflow_faults import faults
from moorage_runtime.storage.paths import DEPTH, checked
from moorage_runtime.storage.store import Entry

FOLDERS = 1000


class MlflowStore:
    """One artifact folder (or file) behind a tracking server. Files come whole: the server knows no ranges."""

    def __init__(self, repository: Any) -> None:
        self._repository = repository

    def entries(self) -> Iterator[Entry]:
        """Walk the server's listing; a listing that nests or fans out without end is refused."""
        pending: list[str | None] = [None]
        visited = 0
        while pending:
            visited += 1
            if visited > FOLDERS:
                raise reasons.refuse(reasons.TOO_MANY_FILES, f"the artifact has more than {FOLDERS} folders")
            for found in self._list(pending.pop()):
                if found.is_dir:
                    pending.append(_folder(found.path))
                else:
                    yield Entry(path=found.path, size=found.file_size or 0)

    def fetch(self, entry: Entry, part: Path) -> None:
        """Fetch the whole file into a folder of its own, then make it the part."""
        box = part.with_suffix(".box")
        box.mkdir(exist_ok=True)
        try:
            with faults(entry.path):
                came = self._repository.download_artifacts(entry.path, str(box))
            os.replace(came, part)
        finally:
            shutil.rmtree(box)

    def _list(self, folder: str | None) -> list[Any]:
        with faults(folder or "the artifact"):
            return list(self._repository.list_artifacts(folder))


def _folder(path: str) -> str:
    if path.count("/") >= DEPTH:
        raise reasons.refuse(reasons.UNSAFE_PATH, f"the artifact is deeper than {DEPTH} folders")
    return checked(path)


def connect(source: Source, credentials: Mapping[str, str]) -> Any:
    """MLflow's artifact client for the source, set to fail fast: retries are ours.

    MLflow takes timeouts, credentials and the CA only from the environment of the process, which is ours alone.
    """
    if not source.tracking_uri:
        raise reasons.refuse(reasons.SOURCE_UNSUPPORTED, "this registry has no MLflow server; name one that has")
    os.environ.update(credentials)
    os.environ.update(_settings(source))
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

    return MlflowArtifactsRepository(source.uri, tracking_uri=source.tracking_uri)


def _settings(source: Source) -> dict[str, str]:
    settings = {
        "MLFLOW_TRACKING_URI": source.tracking_uri or "",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(source.read_timeout_seconds))),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if source.ca_file:
        settings["MLFLOW_TRACKING_SERVER_CERT_PATH"] = source.ca_file
    return settings
