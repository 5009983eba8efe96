"""Who may ask: the holders of one of the deployment's keys.

Keys are files of a mounted Secret, one key a file. They are read again when a file changes, so a key is rotated by
adding the new one, moving the clients, and taking the old one away. Without any key nobody may ask.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from pathlib import Path

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head

log = logging.getLogger(__name__)

MISSING = "ApiKeysMissing"
POLL_SECONDS = 1.0
_KEY_BYTES = 4096
_SCHEME = b"bearer "
# Probes, and the page to try the model, which knows nothing of it without a key.
_OPEN = frozenset({b"/", b"/v2/health/live", b"/v2/health/ready", b"/docs"})
_OPEN_BELOW = b"/docs/"
_CHALLENGE = ((b"www-authenticate", b"Bearer"),)
_Seen = tuple[tuple[str, int, int, int], ...]


class Keys:
    """The keys in a folder. `epoch` grows with every change, and followers are told: who was let in before must show
    the key again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: _Seen | None = None
        self._digests: tuple[bytes, ...] = ()
        self.epoch = 0
        self._followers: list[Callable[[], None]] = []
        self.poll()

    def follow(self, follower: Callable[[], None]) -> None:
        """Have `follower` called after every change."""
        self._followers.append(follower)

    def obstacle(self) -> str | None:
        """Why nobody can be let in, None when somebody can."""
        return None if self._digests else MISSING

    def allows(self, shown: bytes | str | None) -> bool:
        """Whether this is one of the keys, alone or after `Bearer`. Takes equally long for every wrong one."""
        if shown is None:
            return False
        key = (shown.encode(errors="replace") if isinstance(shown, str) else shown).strip()
        if key[: len(_SCHEME)].lower() == _SCHEME:
            key = key[len(_SCHEME) :].strip()
        digest, known = hashlib.sha256(key).digest(), False
        for each in self._digests:
            known |= hmac.compare_digest(each, digest)
        return known

    def check(self, head: Head) -> None:
        """Let a request in, before anything tells what there is. Raises `RequestFault` 401."""
        if head.path in _OPEN or head.path.startswith(_OPEN_BELOW):
            return
        shown = head.headers.get(b"authorization") or head.headers.get(b"x-api-key")
        if not self.allows(shown):
            told = "send a key: Authorization: Bearer KEY, or X-API-Key: KEY" if shown is None else "the key is unknown"
            raise RequestFault(401, "Unauthorized", told, _CHALLENGE)

    def poll(self) -> None:
        """Look at the files once, and read them if one changed."""
        files = _files(self._folder)
        seen = tuple(found for found in map(_identity, files) if found is not None)
        if seen != self._seen:
            self._take(seen, [key for key in map(_key, files) if key])

    async def watch(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.poll()

    def _take(self, seen: _Seen, keys: list[bytes]) -> None:
        digests = tuple(hashlib.sha256(key).digest() for key in keys)
        first, self._seen = self._seen is None, seen
        if digests == self._digests and not first:
            return
        self._digests = digests
        self.epoch += 1
        for follower in self._followers:
            follower()
        if digests:
            log.info("API keys read", extra={"keys": len(digests)})
        else:
            log.error("no API key, every request is refused", extra={"reason": MISSING})


def _files(folder: Path) -> list[Path]:
    """The folder's own files; what starts with a dot belongs to the kubelet."""
    try:
        return sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except OSError:
        return []


def _identity(file: Path) -> tuple[str, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return file.name, found.st_ino, found.st_size, found.st_mtime_ns


def _key(file: Path) -> bytes:
    """The key in a file; nothing when it went away while the folder is swapped, or cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(_KEY_BYTES).strip()
    except OSError:
        return b""
