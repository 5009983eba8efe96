"""From a source's URI to the store that holds it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from moorage_runtime.config import Source
from moorage_runtime.storage import credentials, reasons
from moorage_runtime.storage.store import Store


def open_store(source: Source, credentials_dir: Path) -> Store:
    """The store behind `source.uri`; imports only the client it needs. Raises `ArtifactFault` SourceUnsupported."""
    parts = urlsplit(source.uri)
    if parts.scheme == "s3" and parts.netloc:
        from moorage_runtime.storage import s3

        client = s3.connect(source, credentials.read(credentials_dir, credentials.S3_KEYS))
        return s3.S3Store(parts.netloc, source.uri.removeprefix(f"s3://{parts.netloc}"), client)
    if parts.scheme == "mlflow-artifacts" and not parts.netloc:
        from moorage_runtime.storage import mlflow

        server = mlflow.connect(source, credentials.read(credentials_dir, credentials.MLFLOW_KEYS))
        return mlflow.MlflowStore(unquote(parts.path), server)
    if parts.scheme == "file" and not parts.netloc:
        from moorage_runtime.storage.file import FileStore

        return FileStore(Path(unquote(parts.path)))
    raise reasons.refuse(
        reasons.SOURCE_UNSUPPORTED,
        f"{source.uri[:200]!a} is none of s3://bucket/prefix, mlflow-artifacts:/path and file:///path",
    )
