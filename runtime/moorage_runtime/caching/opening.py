"""The store that a deployment asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from moorage_runtime.caching.memory import MemoryStore
from moorage_runtime.caching.store import Store
from moorage_runtime.config import CACHE_CA_FILE, CACHE_CREDENTIALS_DIR, Cache


def open_store(
    settings: Cache,
    clock: Callable[[], float],
    credentials: Path = Path(CACHE_CREDENTIALS_DIR),
    ca_file: Path = Path(CACHE_CA_FILE),
) -> Store:
    """One for all models of the process; `clock`: seconds, monotonic. Raises `RuntimeFault` ConfigInvalid."""
    if settings.redis is None:
        return MemoryStore(settings.max_entries, settings.ttl_seconds, settings.max_bytes, clock)
    from moorage_runtime.caching import remote

    where = remote.address(settings.redis, credentials, ca_file)
    return remote.RedisStore(where, settings.ttl_seconds, settings.max_bytes)
