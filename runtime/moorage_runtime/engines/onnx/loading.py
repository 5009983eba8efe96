"""From a model file to an engine, or to a refusal with a name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from moorage_runtime.config import Onnx
from moorage_runtime.engines import reasons
from moorage_runtime.engines.engine import Kernel
from moorage_runtime.engines.onnx import options, trees, words
from moorage_runtime.engines.onnx.arena import Arena
from moorage_runtime.engines.onnx.ranks import without_rank
from moorage_runtime.engines.onnx.session import ONNX_RUNTIME, TREES, OnnxEngine
from moorage_runtime.errors import LoadFault

# Above "error": what fails is raised as well, and ONNX Runtime's own lines are no JSON.
_FATAL = 4


def load(model_file: Path, threads: int, settings: Onnx = Onnx()) -> OnnxEngine:  # noqa: B008 - frozen
    """Load a model; one run keeps `threads` threads busy unless the settings say how many.

    Raises `LoadFault` ExecutionProviderMissing, SessionOptionInvalid, TensorUnsupported or ModelLoadFailed, never with
    a path of this machine in it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    ort.set_default_logger_severity(_FATAL)
    wanted = options.providers(settings.execution_providers, ort.get_available_providers())
    chosen = options.session(ort, settings, threads)
    if not trees.suspected(model_file):
        return _engine(ort, model_file, settings, chosen, wanted)
    reason = options.against_kernels(settings, wanted)
    if not reason:
        engine = _planted(ort, model_file, settings, chosen.intra_op_num_threads)
        if engine.kernel == TREES or chosen.intra_op_num_threads == 1:
            return engine
        reason = engine.kernel.reason
        # Two sessions of a large forest at once may be more than the pod has memory for.
        engine.close()
    engine = _engine(ort, model_file, settings, chosen, wanted)
    engine.kernel = Kernel(ONNX_RUNTIME.name, reason)
    return engine


def _planted(ort: Any, model_file: Path, settings: Onnx, threads: int) -> OnnxEngine:
    """With one thread for ONNX Runtime: so it answers what the kernel must answer; the kernel's rows have `threads`."""
    alone = options.session(ort, msgspec.structs.replace(settings, intra_op_num_threads=1), 1)
    engine = _engine(ort, model_file, settings, alone, [options.CPU])
    engine.plant(model_file, threads)
    return engine


def _engine(ort: Any, model_file: Path, settings: Onnx, chosen: Any, wanted: list[str]) -> OnnxEngine:
    session = _session(ort, model_file, chosen, wanted)
    options.started(wanted, session.get_providers())
    _check_ranks(session, model_file)
    return OnnxEngine(ort, session, Arena(time.monotonic) if settings.enable_cpu_mem_arena else None)


def _session(ort: Any, model_file: Path, session_options: Any, providers: list[str]) -> Any:
    session_options.log_severity_level = _FATAL
    try:
        # Without `enable_fallback` ONNX Runtime says what failed, instead of printing it and trying other providers.
        return ort.InferenceSession(
            str(model_file), session_options, providers=providers, enable_fallback=0, read_config_from_model=0
        )
    except Exception as error:
        message = f"ONNX Runtime {ort.__version__} cannot load {model_file.name}: {words.of_load(error)}"
        raise LoadFault(reasons.MODEL_LOAD_FAILED, message) from error


def _check_ranks(session: Any, model_file: Path) -> None:
    """Every request would be refused by a shape that nobody gave: better to say so now."""
    scalars = [value.name for value in session.get_inputs() if not value.shape]
    unknown = without_rank(model_file) if scalars else frozenset[str]()
    for name in scalars:
        if name in unknown:
            raise LoadFault(
                reasons.TENSOR_UNSUPPORTED, f"input {name!r} has no shape; export it with one, such as [batch, 30]"
            )
