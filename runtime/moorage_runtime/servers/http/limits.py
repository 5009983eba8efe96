"""The bounds of the transport."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bytes, counts and seconds that hold for every connection."""

    connections: int = 10_000
    head_bytes: int = 64 << 10
    idle_seconds: float = 620.0
