"""The digest of an artifact.

    for every file, sorted by the bytes of its path:   "<sha256 of the file, hex>  <relative path>\n"
    digest = "sha256:" + hex sha256 of those lines joined, UTF-8

The lines are what `sha256sum` prints, so a person can check a folder without Moorage:

    find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum

Names and contents count; times, modes, owners and empty folders do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

PREFIX = "sha256:"


def of_hashes(hashes: Mapping[str, str]) -> str:
    """The digest of an artifact whose files have these sha256 hex digests, keyed by relative path."""
    lines = (f"{hashes[path]}  {path}\n" for path in sorted(hashes, key=str.encode))
    return PREFIX + hashlib.sha256("".join(lines).encode()).hexdigest()


def of_file(path: Path) -> str:
    """The sha256 of one file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
