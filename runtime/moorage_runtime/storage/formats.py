"""Which kind of model lies in an artifact, and which of its files is the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from moorage_runtime.artifact import Example, Signature
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import paths, reasons, signatures

MLMODEL = "MLmodel"
MLMODEL_BYTES = 4 << 20
ONNX = "onnx"
SUPPORTED = (ONNX,)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What an artifact is: its format, its author's signature, the model's file and the input example (relative)."""

    model_format: str
    model_file: str
    example: Example | None = None
    signature: Signature | None = None


def identify(mlmodel: Path | None, files: Sequence[str], declared: str | None) -> Identity:
    """Tell the model's format: what the user declared, else the MLmodel's flavors, else a lone `.onnx` file.

    `mlmodel`: where the content of the artifact's MLmodel lies, if it has one; `files`: the artifact's paths.
    Raises `ArtifactFault` FormatUnknown or FormatUnsupported.
    """
    if declared is not None and declared not in SUPPORTED:
        raise _unsupported(f"spec.model.modelFormat is {declared!a}")
    described = _read_mlmodel(mlmodel) if mlmodel else {}
    flavors = described.get("flavors")
    if isinstance(flavors, dict) and flavors:
        return _from_flavors(flavors, described, files)
    return Identity(model_format=ONNX, model_file=_lone_onnx(files))


def _from_flavors(flavors: dict[str, Any], described: dict[str, Any], files: Sequence[str]) -> Identity:
    flavor = flavors.get(ONNX)
    if not isinstance(flavor, dict):
        raise _unsupported(f"the artifact's MLmodel names {_shown(flavors)}")
    named = flavor.get("data", "model.onnx")
    if not isinstance(named, str) or named not in files:
        # Only text is shown: aliases make a YAML value of any size from a few bytes.
        shown = ascii(named[:200]) if isinstance(named, str) else "that is no name"
        raise reasons.refuse(
            reasons.FORMAT_UNKNOWN, f"the artifact's MLmodel names the model file {shown}, which is not there"
        )
    return Identity(
        model_format=ONNX,
        model_file=named,
        example=_example(described, files),
        signature=signatures.read(described),
    )


def _shown(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, names)))[:200]


def _example(described: dict[str, Any], files: Sequence[str]) -> Example | None:
    info = described.get("saved_input_example_info")
    if not isinstance(info, dict) or info.get("artifact_path") not in files:
        return None
    serving = info.get("serving_input_path")
    return Example(path=str(info["artifact_path"]), serving_path=str(serving) if serving in files else None)


def _lone_onnx(files: Sequence[str]) -> str:
    found = [file for file in files if file.endswith(".onnx")]
    if len(found) == 1:
        return paths.checked(found[0])
    seen = f"{len(found)} .onnx files" if found else "no .onnx file"
    raise reasons.refuse(
        reasons.FORMAT_UNKNOWN,
        f"the artifact has no MLmodel file and {seen}; log it with mlflow.onnx, or keep one .onnx file",
    )


def _read_mlmodel(path: Path) -> dict[str, Any]:
    import yaml

    if path.stat().st_size > MLMODEL_BYTES:
        raise reasons.refuse(reasons.FORMAT_UNKNOWN, f"the MLmodel file is larger than {MLMODEL_BYTES} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        described = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except Exception as error:  # PyYAML's constructors fail in any way, even with AttributeError
        raise reasons.refuse(reasons.FORMAT_UNKNOWN, "the MLmodel file is no YAML; log the model again") from error
    return described if isinstance(described, dict) else {}


def _unsupported(what: str) -> ArtifactFault:
    return reasons.refuse(
        reasons.FORMAT_UNSUPPORTED,
        f"{what}; this runtime serves {', '.join(SUPPORTED)}: convert the model and log it again",
    )
