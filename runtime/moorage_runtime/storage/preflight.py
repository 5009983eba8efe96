"""What can be told of an artifact before anybody starts it: will it fit, and is it for this ONNX Runtime?

Only what would fail for certain is refused; all else is left to the engine and to the test request.
"""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from moorage_runtime.storage import reasons
from moorage_runtime.storage.graph import Graph
from moorage_runtime.storage.store import Entry

ENGINE = "1.31.1"
"""The ONNX Runtime that the next three were tried with; of any other nothing is claimed."""
IR_VERSION = 13
OPSETS: Mapping[str, int] = {"": 26, "ai.onnx": 26, "ai.onnx.ml": 5, "com.microsoft": 1}
DOMAINS = frozenset(OPSETS) | {
    "ai.onnx.training",
    "ai.onnx.preview",
    "ai.onnx.preview.training",
    "com.microsoft.experimental",
    "com.microsoft.nchwc",
    "com.ms.internal.nhwc",
    "org.pytorch.aten",
}

ONE_FILE_BYTES = 2**31 - 1
"""Protocol buffers hold no more; larger models keep their weights in files beside."""
BARE_BYTES = 16 << 20
"""What no server takes less than (measured: 34 MiB of its own, beside 45 MiB of libraries that the kernel can drop)."""
ADVISED_BYTES = 96 << 20
"""What a server takes beside the weights, with some room to work in."""
LOADING = 2
"""How often the weights lie in memory while ONNX Runtime loads them (measured: 2.0, whatever uses them)."""
SHOWN = 5


def room(entries: Sequence[Entry], reached: int, model_dir: Path) -> None:
    """Raise `ArtifactFault` DiskFull when the disk cannot take what is listed. `reached`: bytes that are here."""
    missing = sum(entry.size for entry in entries) - reached
    free = shutil.disk_usage(model_dir).free
    if missing > free:
        raise reasons.refuse(
            reasons.DISK_FULL,
            f"{in_words(missing)} are still to come, and the node's disk has {in_words(free)} left for the model "
            "folder; free some of it, or add a node with a larger one",
        )


def size(model: Entry, beside: Sequence[Entry], memory: int | None) -> None:
    """Hold the model's own files against what one file can hold, and against the container's memory limit in bytes.

    Raises `ArtifactFault` ArtifactTooLarge or MemoryTooSmall.
    """
    if model.size > ONE_FILE_BYTES:
        raise reasons.refuse(
            reasons.ARTIFACT_TOO_LARGE,
            f"{model.path} is {in_words(model.size)}, and an ONNX file of more than 2 GiB cannot be read; save the "
            "weights beside it (onnx.save with save_as_external_data=True) and log the model again",
        )
    weights = model.size + sum(entry.size for entry in beside)
    if memory is not None and weights + BARE_BYTES > memory:
        wanted = -(-(LOADING * weights + ADVISED_BYTES) >> 20)
        raise reasons.refuse(
            reasons.MEMORY_TOO_SMALL,
            f"the model is {in_words(weights)}, and the memory limit of the container is {in_words(memory)}; set "
            f"spec.resources.limits.memory to {wanted}Mi or more, as weights lie in memory twice while they are loaded",
        )


def runs(graph: Graph, model_file: str) -> None:
    """Whether this ONNX Runtime knows the versions and the operators' domains that the file names.

    Raises `ArtifactFault` OnnxVersionUnsupported or OperatorUnsupported.
    """
    if _engine() != ENGINE:
        return
    if graph.ir_version > IR_VERSION:
        raise _version(f"{model_file} has IR version {graph.ir_version}", str(IR_VERSION))
    for domain, version in sorted(graph.opsets.items()):
        if version > OPSETS.get(domain, version):
            raise _version(f"{model_file} uses opset {version} of {domain or 'ai.onnx'}", str(OPSETS[domain]))
    unknown = sorted({f"{domain}.{name}" for domain, name in graph.operators if domain not in DOMAINS})
    if unknown:
        raise reasons.refuse(
            reasons.OPERATOR_UNSUPPORTED,
            f"{model_file} needs operators that ONNX Runtime {ENGINE} does not have: {_listed(unknown)}; export the "
            "model with standard operators",
        )


def beside(graph: Graph, model_file: str, entries: Sequence[Entry]) -> list[Entry]:
    """The files with the model's weights. Raises `ArtifactFault` ExternalDataMissing."""
    listed = {entry.path: entry for entry in entries}
    folder = posixpath.dirname(model_file)
    wanted = {name: posixpath.normpath(posixpath.join(folder, name)) for name in sorted(graph.beside)}
    missing = [name for name, path in wanted.items() if path not in listed]
    if missing:
        raise reasons.refuse(
            reasons.EXTERNAL_DATA_MISSING,
            f"{model_file} keeps weights in {_listed(missing)}, which the artifact does not have; log the model "
            "together with these files, or save it with the weights inside",
        )
    return [listed[path] for path in sorted(set(wanted.values()))]


def in_words(count: int) -> str:
    """Bytes as a person says them."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << power:
            return f"{count / (1 << power):.1f} {unit}"
    return f"{count} bytes"


def _engine() -> str:
    try:
        return metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:
        return ""


def _version(what: str, newest: str) -> Exception:
    return reasons.refuse(
        reasons.ONNX_VERSION_UNSUPPORTED,
        f"{what}, and the newest that ONNX Runtime {ENGINE} knows is {newest}; export the model for opset "
        f"{OPSETS['']} (ai.onnx.ml {OPSETS['ai.onnx.ml']}) and IR version {IR_VERSION} or older, and log it again",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(ascii(name[:100]) for name in names[:SHOWN]) + more
