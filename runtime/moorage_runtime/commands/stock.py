"""The models of `moorage serve`: a folder of models, or names given one by one.

    FOLDER/fraud.onnx                   model fraud, version 1
    FOLDER/fraud/MLmodel, model.onnx    model fraud, version 1
    FOLDER/fraud/3/...                  model fraud, its newest (highest) version 3
    NAME=URI                            anything that `moorage run` takes

A folder is looked at again for every load, so a new version beside the old one is what a reload brings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from moorage_runtime import artifact
from moorage_runtime.commands import shelf, target
from moorage_runtime.config import RuntimeConfig, Source
from moorage_runtime.errors import RequestFault
from moorage_runtime.places import Places
from moorage_runtime.repository.load import load
from moorage_runtime.repository.served import Served

FIRST = "1"


class Fetched:
    """One model's artifact on this machine's disk."""

    def __init__(self, config: RuntimeConfig, folder: Path, manifest: artifact.Manifest) -> None:
        self.size = manifest.bytes
        self._config, self._folder = config, folder

    def load(self) -> Served:
        """Load, warm up, test. Raises `LoadFault`."""
        return load(self._config, self._folder)


class FolderAndNames:
    """The stock of one `moorage serve`. `named`: URIs by model name; they win over the folder's models."""

    def __init__(self, settings: RuntimeConfig, here: Places, folder: Path | None, named: Mapping[str, str]) -> None:
        self._settings = settings
        self._here = here
        self._folder = folder
        self._named = dict(named)

    def names(self) -> Sequence[str]:
        """Every model there is now, sorted."""
        return sorted({*self._named, *self._found()})

    def prepare(self, name: str) -> Fetched:
        """Copy or download the newest version. Raises `ArtifactFault`, `RequestFault` 404."""
        config = self._configure(name)
        here = shelf.below(self._here, name, config.version)
        return Fetched(config, here.model_dir, shelf.fetch(config, here))

    def _configure(self, name: str) -> RuntimeConfig:
        settings = msgspec.structs.replace(self._settings, model=name)
        if name in self._named:
            return target.locate(settings, self._named[name], {})
        place = self._found().get(name)
        if place is None:
            raise RequestFault(404, "ModelNotFound", f"the repository has no model {name!r}")
        version, path = _newest(place)
        return msgspec.structs.replace(settings, version=version, source=Source(uri=path.resolve().as_uri()))

    def _found(self) -> dict[str, Path]:
        if self._folder is None:
            return {}
        seen = sorted(self._folder.iterdir())
        return {each.stem if each.is_file() else each.name: each for each in seen if _is_model(each)}


def _is_model(place: Path) -> bool:
    return not place.name.startswith(".") and (place.is_dir() or place.suffix == ".onnx")


def _newest(place: Path) -> tuple[str, Path]:
    versions = [each for each in place.iterdir() if each.is_dir() and each.name.isdigit()] if place.is_dir() else []
    newest = max(versions, key=lambda each: int(each.name), default=None)
    return (FIRST, place) if newest is None else (newest.name, newest)
