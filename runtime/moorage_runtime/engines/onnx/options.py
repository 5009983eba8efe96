"""What of ONNX Runtime's session the deployment may choose, checked before ONNX Runtime sees it.

ONNX Runtime takes unknown keys and nonsense values without a word; here both are refused by name. None of the keys
names a file, loads a library or changes the file format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moorage_runtime.config import SESSION_CONFIG, Onnx
from moorage_runtime.engines import reasons
from moorage_runtime.errors import LoadFault

CPU = "CPUExecutionProvider"

_DIGITS = 9


def _is_flag(value: str) -> bool:
    return value in ("0", "1")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= _DIGITS


def _is_text(value: str) -> bool:
    return 0 < len(value) <= 1024 and value.isascii() and value.isprintable()


_TAKES: dict[str, tuple[Callable[[str], bool], str]] = {
    "flag": (_is_flag, '"0" or "1"'),
    "number": (_is_number, f"a whole number of at most {_DIGITS} digits"),
    "text": (_is_text, "1 to 1024 plain characters"),
}
_KEYS = {key: _TAKES[kind] for key, kind in SESSION_CONFIG.items()}
SESSION_KEYS = frozenset(_KEYS)

_LEVELS = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}
_MODES = {"sequential": "ORT_SEQUENTIAL", "parallel": "ORT_PARALLEL"}


def session(ort: Any, settings: Onnx, threads: int) -> Any:
    """`SessionOptions` as the settings say. Raises `LoadFault` SessionOptionInvalid."""
    chosen = ort.SessionOptions()
    chosen.intra_op_num_threads = _threads(settings.intra_op_num_threads, threads, "intraOpNumThreads")
    chosen.inter_op_num_threads = _threads(settings.inter_op_num_threads, 1, "interOpNumThreads")
    level = _named(settings.graph_optimization_level, _LEVELS, "graphOptimizationLevel")
    chosen.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    mode = _named(settings.execution_mode, _MODES, "executionMode")
    chosen.execution_mode = getattr(ort.ExecutionMode, mode)
    chosen.enable_cpu_mem_arena = settings.enable_cpu_mem_arena
    chosen.enable_mem_pattern = settings.enable_mem_pattern
    for key, value in _entries(settings.session_config).items():
        chosen.add_session_config_entry(key, value)
    return chosen


def _entries(told: Mapping[str, str]) -> dict[str, str]:
    for key, value in told.items():
        _check(key, value)
    return {
        # A spinning thread in a pod with a CPU limit burns the quota that the next request needs.
        "session.intra_op.allow_spinning": "0",
        "session.inter_op.allow_spinning": "0",
        **told,
        # The .ort format can point outside itself; only the checked ONNX format is read, whatever a file is called.
        "session.load_model_format": "ONNX",
    }


def _check(key: str, value: str) -> None:
    if key not in _KEYS:
        raise _invalid(f"sessionConfig: {key[:100]!r} is not one of {', '.join(sorted(_KEYS))}")
    valid, words = _KEYS[key]
    if not valid(value):
        raise _invalid(f"sessionConfig: {key!r} takes {words}, not {value[:100]!r}")


def _threads(told: int | None, default: int, field: str) -> int:
    if told is None:
        return default
    if not 1 <= told <= 256:
        raise _invalid(f"{field}: {told} is not between 1 and 256")
    return told


def _named(told: str, names: Mapping[str, str], field: str) -> str:
    if told not in names:
        raise _invalid(f"{field}: {told[:100]!r} is not one of {', '.join(names)}")
    return names[told]


def against_kernels(settings: Onnx, providers: Sequence[str]) -> str:
    """Why no kernel of ours may compute instead of ONNX Runtime; "" where nothing is against it."""
    if not settings.enable_tree_kernel:
        return "enableTreeKernel is false"
    if list(providers) != [CPU]:
        return f"executionProviders are {', '.join(providers)}"
    if settings.session_config.get("session.set_denormal_as_zero", "0") != "0":
        return "sessionConfig takes the numbers nearest to zero for zero"
    return ""


def providers(wanted: Sequence[str], present: Sequence[str]) -> list[str]:
    """The execution providers in the order in which they are tried. Raises `LoadFault` ExecutionProviderMissing."""
    missing = [name for name in wanted if name not in present]
    if missing:
        raise LoadFault(
            reasons.EXECUTION_PROVIDER_MISSING,
            f"this build of ONNX Runtime has no {', '.join(missing)}; it has {', '.join(present)}",
        )
    return list(wanted) or [CPU]


def started(wanted: Sequence[str], running: Sequence[str]) -> None:
    """A provider may be built in and yet fail to start, which ONNX Runtime only logs. Raises `LoadFault`."""
    missing = [name for name in wanted if name not in running]
    if missing:
        raise LoadFault(
            reasons.EXECUTION_PROVIDER_MISSING,
            f"{', '.join(missing)} did not start on this machine; {', '.join(running)} did",
        )


def _invalid(message: str) -> LoadFault:
    return LoadFault(reasons.SESSION_OPTION_INVALID, message)
