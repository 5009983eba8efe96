"""From a finished download to a version that has really answered."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from moorage_runtime import artifact, trial
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.engines import cpus, reasons
from moorage_runtime.engines.engine import Engine
from moorage_runtime.errors import LoadFault
from moorage_runtime.repository.served import Served


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
        folder=folder,
        engine=engine,
        digest=manifest.digest,
        verdict=verdict,
        load_seconds=time.perf_counter() - started,
        tested_at=time.time(),
    )


def _engine(model_file: Path) -> Engine:
    from moorage_runtime.engines import onnx

    return onnx.load(model_file, cpus.threads())
