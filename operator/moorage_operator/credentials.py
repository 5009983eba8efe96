"""The operator's own credentials for a server: files that the install mounts, read anew for every call."""

from __future__ import annotations

import base64
from pathlib import Path


def authorization(folder: Path) -> str | None:
    """The Authorization header from `token`, or from `username` and `password`; None when there is neither."""
    token = _read(folder / "token")
    if token:
        return f"Bearer {token}"
    username, password = _read(folder / "username"), _read(folder / "password")
    if username is None or password is None:
        return None
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
