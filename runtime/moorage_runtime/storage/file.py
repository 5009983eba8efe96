"""Artifacts on a mounted volume claim: walked and copied without ever following a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons
from moorage_runtime.storage.store import Entry

CHUNK = 1 << 20


class FileStore:
    """A folder, or one file, of a mounted claim. Whoever can write to the claim is not trusted."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self) -> Iterator[Entry]:
        """Every regular file below the root; links and devices are refused by name."""
        with _access(self._root):
            found = self._root.lstat()
            if self._root.resolve() != self._root.absolute():
                raise reasons.refuse(
                    reasons.LINK_REFUSED, f"{self._root.name!a} is reached by a link; name its real path"
                )
            if stat.S_ISDIR(found.st_mode):
                yield from _walk(self._root, "")
            else:
                yield _entry(self._root.name, found)

    def fetch(self, entry: Entry, part: Path) -> None:
        """Copy what is missing from `part`; the file is opened link by link, and must be the one that was listed."""
        offset = part.stat().st_size
        with _access(self._root), os.fdopen(self._open(entry), "rb") as source, part.open("ab") as into:
            if _entry(entry.path, os.fstat(source.fileno())) != entry:
                raise reasons.refuse(reasons.DOWNLOAD_INTERRUPTED, f"{entry.path} changed while it was being read")
            source.seek(offset)
            while chunk := source.read(CHUNK):
                into.write(chunk)

    def _open(self, entry: Entry) -> int:
        if not self._root.is_dir():
            return os.open(self._root, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        *folders, name = entry.path.split("/")
        at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        for folder in folders:
            at = _step(at, folder, os.O_DIRECTORY)
        return _step(at, name, os.O_NONBLOCK)


def _step(at: int, name: str, kind: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=at)
    finally:
        os.close(at)


def _walk(folder: Path, prefix: str) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            path = prefix + item.name
            if item.is_dir(follow_symlinks=False):
                yield from _walk(folder / item.name, path + "/")
            else:
                yield _entry(path, item.stat(follow_symlinks=False))


def _entry(path: str, found: os.stat_result) -> Entry:
    if stat.S_ISLNK(found.st_mode):
        raise reasons.refuse(reasons.LINK_REFUSED, f"{path!a} is a symbolic link; put the file itself there")
    if not stat.S_ISREG(found.st_mode):
        raise reasons.refuse(reasons.UNSAFE_PATH, f"{path!a} is neither a file nor a folder")
    if found.st_nlink > 1:
        raise reasons.refuse(reasons.LINK_REFUSED, f"{path!a} is a hard link; put a copy of the file there")
    return Entry(path=path, size=found.st_size, tag=f"{found.st_ino}-{found.st_mtime_ns}")


class _access:  # noqa: N801 - reads as a statement: with _access(root)
    """Give the errors of reading a claim their reason."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            fault = _fault(error, self._root.name)
            if fault:
                raise fault from error


def _fault(error: OSError, name: str) -> ArtifactFault | None:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return reasons.refuse(reasons.ARTIFACT_NOT_FOUND, f"the claim has no {name!a}; check the path in spec.model")
    if error.errno == errno.ELOOP:
        return reasons.refuse(reasons.LINK_REFUSED, f"a link appeared in {name!a} while it was being read")
    if isinstance(error, PermissionError):
        return reasons.refuse(reasons.ACCESS_DENIED, f"user 10001 may not read {name!a} in the claim; chmod a+rX it")
    return None
