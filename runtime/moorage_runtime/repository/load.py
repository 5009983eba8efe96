"""From a finished download to a version that has really answered."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from moorage_runtime import artifact, trial
from moorage_runtime.config import Onnx, RuntimeConfig
from moorage_runtime.engines import cpus, reasons
from moorage_runtime.engines.engine import Engine
from moorage_runtime.errors import LoadFault
from moorage_runtime.repository.served import Served

_LARGE_BYTES = 32 << 20


def load(config: RuntimeConfig, model_dir: Path) -> Served:
    """Load, warm up and test the artifact that the download left in `model_dir`. Raises `LoadFault`."""
    started = time.perf_counter()
    manifest = artifact.read_manifest(model_dir)
    if manifest is None:
        raise LoadFault(
            reasons.ARTIFACT_MISSING, "the model folder holds no finished download; the init container must run first"
        )
    folder = artifact.tree(model_dir)
    engine, verdict = _fitted(config, manifest, folder)
    _settle()
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


def _settle() -> None:
    """Keep what stays out of every later search for garbage. A process that has just started made none to speak of."""
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    gc.enable()


def _fitted(config: RuntimeConfig, manifest: artifact.Manifest, folder: Path) -> tuple[Engine, trial.Verdict]:
    from moorage_runtime.engines import onnx

    path = folder / manifest.model_file
    return trial.fit(
        lambda threads: onnx.load(path, threads, config.onnx),
        _threads(config.onnx, path),
        lambda engine: trial.choose(config.test_request, manifest.example, folder, engine),
        time.perf_counter,
    )


def _threads(settings: Onnx, path: Path) -> tuple[int, ...]:
    """What to try. A large model is certainly slow, and not worth loading twice."""
    most = cpus.threads()
    if settings.intra_op_num_threads or most == 1 or path.stat().st_size > _LARGE_BYTES:
        return (most,)
    return (1, most)
