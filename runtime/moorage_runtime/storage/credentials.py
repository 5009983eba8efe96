"""Credentials for the download: files of a Secret, one value a file, mounted only into the download container."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
MLFLOW_KEYS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


def read(folder: Path, keys: Iterable[str]) -> dict[str, str]:
    """The values of those `keys` that the Secret has. A final newline, which editors add, is no part of a value."""
    return {key: (folder / key).read_text().rstrip("\r\n") for key in keys if (folder / key).is_file()}
