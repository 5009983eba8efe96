"""What `moorage run` is pointed at, as a configuration whose artifact can be downloaded.

model.onnx, a folder        the artifact itself
deployment.yaml             a ModelDeployment; its storageUri leads on
models:/NAME/VERSION|@ALIAS the registry of MLFLOW_TRACKING_URI
s3://BUCKET/PREFIX          with the credentials of the environment; AWS_ENDPOINT_URL for another store than AWS
pvc://CLAIM/PATH            a folder of this machine that --claim CLAIM=FOLDER names
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from moorage_runtime.commands import registry, resource
from moorage_runtime.config import RuntimeConfig, Source
from moorage_runtime.errors import RuntimeFault

YAML = (".yaml", ".yml")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration ready for the download; `env`: variables that the resource sets; `unused`: its other fields."""

    config: RuntimeConfig
    env: dict[str, str] = {}
    unused: tuple[str, ...] = ()


def find(text: str, claims: Mapping[str, Path], name: str | None, version: str | None) -> Target:
    """The target that `text` names. Raises `RuntimeFault` with the cure."""
    if text.endswith(YAML) and Path(text).is_file():
        wish = resource.read(Path(text), name)
        config = locate(wish.settings, wish.storage_uri, claims)
        return Target(config=_renamed(config, None, version), env=wish.env, unused=wish.unused)
    settings = RuntimeConfig(
        model=name or _name_of(text), version="local", revision="local", source=Source(uri=""), timeout_seconds=60.0
    )
    return Target(config=_renamed(locate(settings, text, claims), name, version))


def locate(settings: RuntimeConfig, uri: str, claims: Mapping[str, Path]) -> RuntimeConfig:
    """The settings with the source of `uri`. Raises `RuntimeFault`."""
    if uri.startswith("models:/"):
        found = registry.resolve(uri)
        source = _source(found.artifact_uri, claims, tracking_uri=found.tracking_uri)
        return msgspec.structs.replace(settings, source=source, version=found.version)
    return msgspec.structs.replace(settings, source=_source(uri, claims))


def _source(uri: str, claims: Mapping[str, Path], tracking_uri: str | None = None) -> Source:
    scheme, _, rest = uri.partition("://")
    if uri.startswith("mlflow-artifacts:"):
        return Source(uri=uri, tracking_uri=tracking_uri)
    if scheme == "s3":
        return Source(uri=uri, endpoint=os.environ.get("AWS_ENDPOINT_URL"), region=os.environ.get("AWS_REGION"))
    if scheme == "pvc":
        claim, _, path = rest.partition("/")
        if claim not in claims:
            raise RuntimeFault("ClaimUnknown", f"{uri}: say which folder it is with --claim {claim}=FOLDER")
        return Source(uri=(claims[claim] / path).resolve().as_uri())
    place = Path(rest if scheme == "file" else uri)
    if not place.exists():
        raise RuntimeFault("ModelNotFound", f"{uri}: there is no such file or folder")
    return Source(uri=place.resolve().as_uri())


def _renamed(config: RuntimeConfig, name: str | None, version: str | None) -> RuntimeConfig:
    return msgspec.structs.replace(config, model=name or config.model, version=version or config.version)


def _name_of(text: str) -> str:
    if text.startswith("models:/"):
        return text.removeprefix("models:/").partition("/")[0].partition("@")[0]
    return Path(text.rstrip("/")).stem or "model"
