"""Where fetched files land: flat, under names of our own, until all of them are whole.

A hostile path thus never names a file while bytes still arrive. A name holds the entry's path, size and tag, so a
restarted download finds what belongs to this very content and removes everything else.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from moorage_runtime import artifact
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import digest, reasons
from moorage_runtime.storage.store import Entry

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Landing:
    """The `fetching` folder of one model folder. Nothing outside the model folder is ever written."""

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir
        self._folder = model_dir / artifact.FETCHING
        self._staging = self._folder / "tree"

    def open(self, entries: Iterable[Entry]) -> None:
        """Make the folder, and keep in it only what belongs to `entries`."""
        shutil.rmtree(self._staging, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        wanted = {name for entry in entries for name in (self.whole(entry).name, self.part(entry).name)}
        for found in os.scandir(self._folder):
            if found.name not in wanted:
                _remove(Path(found.path))

    def whole(self, entry: Entry) -> Path:
        """Where the finished bytes of `entry` lie."""
        key = hashlib.sha256(f"{entry.path}\0{entry.size}\0{entry.tag}".encode()).hexdigest()
        return self._folder / key[:40]

    def part(self, entry: Entry) -> Path:
        """Where the unfinished bytes of `entry` lie."""
        return self.whole(entry).with_suffix(".part")

    def reached(self, entry: Entry) -> int:
        """How many bytes of `entry` are here already."""
        for path in (self.whole(entry), self.part(entry)):
            if path.is_file():
                return path.stat().st_size
        return 0

    def receive(self, entry: Entry, fetch: Callable[[Entry, Path], None]) -> None:
        """Have `fetch` complete the entry's part, then give it its final name. Raises `ArtifactFault`."""
        if self.whole(entry).is_file():
            return
        part = self.part(entry)
        part.touch()
        if part.stat().st_size > entry.size:
            os.truncate(part, 0)
        with disk_faults(entry.path):
            fetch(entry, part)
        self._finish(entry, part)

    def _finish(self, entry: Entry, part: Path) -> None:
        size = part.stat().st_size
        if size > entry.size:
            part.unlink()
        if size != entry.size:
            raise reasons.refuse(
                reasons.DOWNLOAD_INTERRUPTED, f"{entry.path}: {size} of {entry.size} bytes came; the next try resumes"
            )
        os.replace(part, self.whole(entry))

    def digest(self, entries: Iterable[Entry]) -> str:
        """The digest over what really lies on the disk."""
        return digest.of_hashes({entry.path: digest.of_file(self.whole(entry)) for entry in entries})

    def assemble(self, entries: Sequence[Entry]) -> None:
        """Move the whole files to their own names, in a staging folder."""
        for entry in entries:
            target = self._staging / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self.whole(entry), target)

    def publish(self, manifest: artifact.Manifest) -> None:
        """Make the staging folder the artifact, and say so in the manifest, which comes last."""
        os.replace(self._staging, artifact.tree(self._model_dir))
        artifact.write_manifest(self._model_dir, manifest)
        shutil.rmtree(self._folder)

    def discard(self) -> None:
        """Forget everything fetched so far."""
        shutil.rmtree(self._folder, ignore_errors=True)


class disk_faults:  # noqa: N801 - reads as a statement: with disk_faults(name)
    """Give the disk's own errors while `name` is written their reason."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            fault = _disk_fault(error, self._name)
            if fault:
                raise fault from error


def _disk_fault(error: OSError, name: str) -> ArtifactFault | None:
    if error.errno in _FULL:
        return reasons.refuse(
            reasons.DISK_FULL,
            f"the model folder is full while writing {name}; raise the ephemeral-storage limit of spec.resources",
        )
    if error.errno == errno.EFBIG:
        return reasons.refuse(reasons.ARTIFACT_TOO_LARGE, f"{name} is larger than one artifact may be")
    return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
