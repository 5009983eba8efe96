"""Where things lie: sources in the clone, everything made on demand in the cache."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SERVERS = HERE / "servers"
LOCKS = HERE / "locks"
CACHE = Path.home() / ".cache" / "moorage" / "bench"
ENVIRONMENTS = CACHE / "venvs"
RESULTS = CACHE / "results"
