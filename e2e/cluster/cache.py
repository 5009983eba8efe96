"""Results that are expensive to make, kept outside the clone and named by what they were made of."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .progress import say

KEPT_PER_NAME = 8
IN_USE_SECONDS = 3600.0


def fingerprint(*parts: str | bytes | Path) -> str:
    """Hash texts, files and folders (names and contents) to 16 hexadecimal digits."""
    whole = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            whole.update(hashlib.sha256(piece).digest())
    return whole.hexdigest()[:16]


def _pieces(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_dir():
        for path in sorted(p for p in part.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            yield str(path.relative_to(part)).encode()
            yield path.read_bytes()
    else:
        yield part.read_bytes()


class Cache:
    """A folder of finished results; an entry is either whole or absent."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str, key: str) -> Path:
        """Return where the result `name` made of inputs `key` lies once it exists."""
        return self.root / f"{name}-{key}"

    def has(self, name: str, key: str) -> bool:
        return self.path(name, key).exists()

    def make(self, name: str, key: str, build: Callable[[Path], None]) -> Path:
        """Return the entry; if absent let `build` fill a temporary path first, one process at a time."""
        entry = self.path(name, key)
        if not entry.exists():
            entry.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.root / "locks" / f"{name.replace('/', '_')}-{key}.lock"):
                if not entry.exists():
                    self._build(entry, build)
                    self._forget_old(name, entry)
        os.utime(entry)
        return entry

    def _build(self, entry: Path, build: Callable[[Path], None]) -> None:
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=entry.parent))
        scratch.chmod(0o755)
        try:
            build(scratch / "result")
            (scratch / "result").rename(entry)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _forget_old(self, name: str, newest: Path) -> None:
        pattern = f"{Path(name).name}-" + "[0-9a-f]" * 16
        entries = [(_last_use(entry), entry) for entry in newest.parent.glob(pattern) if entry != newest]
        # What was used lately may be in use by another run, which shares nothing with this one but the folder.
        old = sorted(entries, reverse=True)[KEPT_PER_NAME - 1 :]
        for used, entry in old:
            if used < time.time() - IN_USE_SECONDS:
                _remove(entry)


def _last_use(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _remove(entry: Path) -> None:
    """Remove an entry at one stroke; somebody else may be doing the same."""
    leaving = tempfile.TemporaryDirectory(prefix=".leaving-", dir=entry.parent)
    with leaving as folder, contextlib.suppress(FileNotFoundError):
        entry.rename(Path(folder) / "entry")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the kernel frees it however this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  waiting for another run that holds {path.name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
