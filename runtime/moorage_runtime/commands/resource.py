"""A ModelDeployment's YAML as the runtime's own configuration: what an operator would tell the pod, read on a laptop.

The cluster's own check of the document is the CRD's; here only what the runtime reads is looked at, and what has no
meaning without a cluster is named, so that nobody wonders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from moorage_runtime import config
from moorage_runtime.commands import units
from moorage_runtime.errors import RuntimeFault

KIND = "ModelDeployment"
# Fields of the spec that this file reads; all others steer the cluster. `auth` does too: its keys lie in a Secret.
_READ = frozenset(
    {
        "model", "runtime", "testRequest", "timeout", "batcher", "cache", "containerConcurrency", "maxQueueLength",
        "maxRequestBytes", "accessLog", "env",
    }
)  # fmt: skip
_READ_BELOW = {
    "model": frozenset({"storageUri", "digest", "modelFormat", "onnx"}),
    "cache": frozenset({"maxEntries", "ttl", "maxBytes"}),
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What one document asks for. `settings`: the configuration, its source still to be found; `unused`: field paths
    that only a cluster understands."""

    storage_uri: str
    settings: config.RuntimeConfig
    env: dict[str, str]
    unused: tuple[str, ...]


def read(path: Path, name: str | None = None) -> Wish:
    """The one ModelDeployment of a file, or the one of that name. Raises `RuntimeFault` with the cure."""
    import yaml

    try:
        documents = [each for each in yaml.safe_load_all(path.read_text()) if isinstance(each, dict)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RuntimeFault("FileUnreadable", f"{path}: {str(error).splitlines()[0]}") from error
    found = [each for each in documents if each.get("kind") == KIND and name in (None, _name(each))]
    if len(found) != 1:
        names = ", ".join(_name(each) for each in found)
        cure = f"choose one of {names} with --name" if found else f"it must hold a {KIND}"
        raise RuntimeFault("FileUnreadable", f"{path}: {len(found)} documents fit; {cure}")
    return wish(found[0])


def wish(document: dict[str, Any]) -> Wish:
    """One document's wish. Raises `RuntimeFault` SpecInvalid naming the field."""
    spec = _mapping(document.get("spec"), "spec")
    model = _mapping(spec.get("model"), "spec.model")
    uri = model.get("storageUri")
    if not isinstance(uri, str):
        raise RuntimeFault("SpecInvalid", "spec.model.storageUri: is needed, for example models:/fraud@champion")
    if spec.get("runtime", "onnx") != "onnx":
        raise RuntimeFault("SpecInvalid", f"spec.runtime: {spec['runtime']!r} cannot run here; only onnx can")
    settings = _settings(document, spec, model)
    variables = [each for each in spec.get("env") or [] if isinstance(each, dict)]
    plain = {each["name"]: str(each.get("value", "")) for each in variables if "valueFrom" not in each}
    return Wish(storage_uri=uri, settings=settings, env=plain, unused=tuple(sorted(_unused(spec, variables))))


def _unused(spec: dict[str, Any], variables: list[dict[str, Any]]) -> Iterator[str]:
    yield from set(spec) - _READ
    for field, read in _READ_BELOW.items():
        yield from (f"{field}.{name}" for name in set(spec.get(field) or {}) - read)
    yield from (f"env[{each['name']}].valueFrom" for each in variables if "valueFrom" in each)


def _settings(document: dict[str, Any], spec: dict[str, Any], model: dict[str, Any]) -> config.RuntimeConfig:
    told = dict(_fields(spec, model))
    metadata = _mapping(document.get("metadata") or {}, "metadata")
    plain = {
        "model": _name(document),
        "namespace": str(metadata.get("namespace", "")),
        "version": "local",
        "revision": "local",
        "source": {"uri": ""},
        **told,
    }
    try:
        return msgspec.convert(plain, config.RuntimeConfig)
    except msgspec.ValidationError as error:
        raise RuntimeFault("SpecInvalid", f"the ModelDeployment does not fit: {error}") from error


def _fields(spec: dict[str, Any], model: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for place, fields in ((model, _MODEL_FIELDS), (spec, _SPEC_FIELDS)):
        for field, (told, convert) in fields.items():
            if field in place:
                yield told, convert(place[field])
    yield "limits", dict(_limits(spec))


def _limits(spec: dict[str, Any]) -> Iterator[tuple[str, int]]:
    if "containerConcurrency" in spec:
        yield "concurrency", spec["containerConcurrency"]
    if "maxQueueLength" in spec:
        yield "queue", spec["maxQueueLength"]
    if "maxRequestBytes" in spec:
        yield "bodyBytes", units.size(spec["maxRequestBytes"], "spec.maxRequestBytes")


def _test_request(asked: dict[str, Any]) -> dict[str, Any]:
    expect = asked.get("expect")
    return {**asked, "expect": _mapping(expect, "spec.testRequest.expect").get("outputs") if expect else None}


def _batcher(asked: dict[str, Any]) -> dict[str, Any]:
    told = {"maxBatchSize": asked["maxBatchSize"]} if "maxBatchSize" in asked else {}
    if "maxLatency" in asked:
        told["maxLatencySeconds"] = units.seconds(asked["maxLatency"], "spec.batcher.maxLatency")
    return told


def _cache(asked: dict[str, Any]) -> dict[str, Any]:
    told = {"maxEntries": asked["maxEntries"]} if "maxEntries" in asked else {}
    if "ttl" in asked:
        told["ttlSeconds"] = units.seconds(asked["ttl"], "spec.cache.ttl")
    if "maxBytes" in asked:
        told["maxBytes"] = units.size(asked["maxBytes"], "spec.cache.maxBytes")
    return told


def _name(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name", "model")) if isinstance(metadata, dict) else "model"


def _mapping(value: object, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuntimeFault("SpecInvalid", f"{field}: must be a mapping")
    return value


# Field of the resource -> field of the configuration, and what becomes of its value.
_MODEL_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "digest": ("digest", str),
    "modelFormat": ("modelFormat", lambda value: _mapping(value, "spec.model.modelFormat").get("name")),
    "onnx": ("onnx", lambda value: _mapping(value, "spec.model.onnx")),
}
_SPEC_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "timeout": ("timeoutSeconds", lambda value: units.seconds(value, "spec.timeout")),
    "testRequest": ("testRequest", lambda value: _test_request(_mapping(value, "spec.testRequest"))),
    "batcher": ("batcher", lambda value: _batcher(_mapping(value, "spec.batcher"))),
    "cache": ("cache", lambda value: _cache(_mapping(value, "spec.cache"))),
    "accessLog": ("accessLogPercent", lambda value: float(_mapping(value, "spec.accessLog").get("percent", 0))),
}
