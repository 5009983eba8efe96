"""Where a target's files lie: a busy disk would take most of its time."""

from __future__ import annotations

from pathlib import Path

_SHARED = Path("/dev/shm")  # noqa: S108 - a folder of its own is made below it
MEMORY = _SHARED if _SHARED.is_dir() else None
