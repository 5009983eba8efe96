"""One version that answers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from moorage_runtime import artifact, trial
from moorage_runtime.engines.engine import Engine


class Served(msgspec.Struct, kw_only=True, eq=False):
    """Loaded, warm, and tested at `tested_at` (seconds since the epoch).

    `used`: when it was last asked, by `time.monotonic`; the data plane keeps it, the catalogue evicts by it. `folder`:
    the artifact's own files.
    """

    name: str
    version: str
    revision: str
    manifest: artifact.Manifest
    engine: Engine
    digest: str
    verdict: trial.Verdict
    load_seconds: float
    tested_at: float
    used: float = 0.0
    folder: Path = Path()
