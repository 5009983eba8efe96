"""The life of the one version that this process serves: loading -> ready -> draining.

`load` does the work (engine, warm-up, test inference) and either gives a model that has really answered, or raises.
`Version` holds where in its life the version is; everything else asks it.
"""

from __future__ import annotations

import gc
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from moorage_runtime import artifact, trial
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.engines import cpus, reasons
from moorage_runtime.engines.engine import Engine
from moorage_runtime.errors import LoadFault


class Phase(StrEnum):
    """Where a version is in its life."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


class Served(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One version that answers: loaded, and tested at `tested_at` (seconds since the epoch)."""

    name: str
    version: str
    revision: str
    manifest: artifact.Manifest
    engine: Engine
    digest: str
    verdict: trial.Verdict
    load_seconds: float
    tested_at: float


class Version:
    """One version's phase and, once loaded, what answers. `changes` grows with every step."""

    def __init__(self) -> None:
        self.served: Served | None = None
        self.changes = 0
        self.phase = Phase.LOADING

    @property
    def ready(self) -> bool:
        """Whether it should get traffic: it answered its test inference, and is not on its way out."""
        return self.phase is Phase.READY

    def install(self, served: Served) -> None:
        """The model is warm: from here on it answers."""
        self.served = served
        self.changes += 1
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY

    def drain(self) -> None:
        """No new traffic wanted; what comes is still answered."""
        self.phase = Phase.DRAINING
        self.changes += 1


def load(config: RuntimeConfig, model_dir: Path) -> Served:
    """Load, warm up and test the artifact that the download left in `model_dir`. Raises `LoadFault`."""
    started = time.perf_counter()
    manifest = artifact.read_manifest(model_dir)
    if manifest is None:
        raise LoadFault(
            reasons.ARTIFACT_MISSING, "the model folder holds no finished download; the init container must run first"
        )
    folder = artifact.tree(model_dir)
    engine = _engine(folder / manifest.model_file)
    chosen = trial.choose(config.test_request, manifest.example, folder, engine)
    verdict = trial.run(chosen, engine, time.perf_counter)
    gc.collect()
    gc.freeze()
    return Served(
        name=config.model,
        version=config.version,
        revision=config.revision,
        manifest=manifest,
        engine=engine,
        digest=manifest.digest,
        verdict=verdict,
        load_seconds=time.perf_counter() - started,
        tested_at=time.time(),
    )


def _engine(model_file: Path) -> Engine:
    from moorage_runtime.engines import onnx

    return onnx.load(model_file, cpus.threads())
