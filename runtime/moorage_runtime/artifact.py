"""What lies in the model folder once the download has finished, and how the serving container learns of it.

    MODEL_DIR/artifact/...      the model's own files, whole and verified
    MODEL_DIR/artifact.json     `Manifest`: written last, so that it exists only beside a whole artifact
    MODEL_DIR/fetching/...      a download under way; resumed after a restart, removed when done

The manifest lies outside the artifact's own tree: no file of a model can pretend to be it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from moorage_runtime.config import Schema

TREE = "artifact"
MANIFEST = "artifact.json"
FETCHING = "fetching"
KINDS = ("double", "float", "integer", "long", "boolean", "string", "binary", "datetime")


class Example(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The model's own input example: files relative to the artifact, as its MLmodel file names them."""

    path: str
    serving_path: str | None = None


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input or output as the model's author declared it.

    `name`: "" where none is given. `kind`: one of `KINDS`, or "" for what has no counterpart in a tensor. `shape`: of
    one row, () for a scalar, -1 where any length fits.
    """

    name: str
    kind: str
    required: bool = True
    shape: tuple[int, ...] = ()


class Signature(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the author says goes into the model and comes out of it, in the model's own order."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The verified artifact: where it came from, its digest (see `storage.digest`), and which file is the model.

    `signature`: None where the author declared none. `classes`: the class names of a classifier, in the order of its
    probabilities, where its file carries them. `model_schema`: what clients rely on, None from an older release.
    """

    uri: str
    digest: str
    bytes: int
    files: int
    model_format: str
    model_file: str
    example: Example | None = None
    signature: Signature | None = None
    classes: tuple[int | str, ...] | None = None
    model_schema: Schema | None = None


def tree(model_dir: Path) -> Path:
    """The folder with the model's own files."""
    return model_dir / TREE


def write_manifest(model_dir: Path, manifest: Manifest) -> None:
    """Publish the manifest in one step: a reader sees the old one, none, or the whole new one."""
    draft = model_dir / f".{MANIFEST}.part"
    draft.write_bytes(msgspec.json.encode(manifest))
    os.replace(draft, model_dir / MANIFEST)


def read_manifest(model_dir: Path) -> Manifest | None:
    """The manifest of a finished download; None when there is none, or half of one."""
    try:
        return msgspec.json.decode((model_dir / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_json(path: Path, limit: int) -> Any:
    """A small JSON file of the artifact. Raises OSError, ValueError when it is larger than `limit` bytes or no JSON."""
    if path.stat().st_size > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is no JSON") from error
