"""The small messages: readiness, metadata, health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.tensors import TensorSpec


class Health(IntEnum):
    """What grpc.health.v1 says of a service."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


def read_name_and_version(message: bytes) -> tuple[str, str | None]:
    """ModelReadyRequest, ModelMetadataRequest: a model's name and version (None: not given). Raises `RequestFault`."""
    found = dict(_texts(message))
    return found.get(1, ""), found.get(2) or None


def read_service(message: bytes) -> str:
    """HealthCheckRequest: the name of a service. Raises `RequestFault` 400."""
    return dict(_texts(message)).get(1, "")


def _texts(message: bytes) -> Iterable[tuple[int, str]]:
    for number, kind, start, stop in wire.fields(message, 0, len(message)):
        if kind == wire.LENGTH and number in (1, 2):
            yield number, wire.text(message, start, stop)


def yes_or_no(value: bool) -> bytes:
    """ServerLiveResponse, ServerReadyResponse, ModelReadyResponse."""
    return wire.flag(1, value)


def health(status: Health) -> bytes:
    """HealthCheckResponse."""
    return wire.varint(1 << 3) + wire.varint(status) if status else b""


def server_metadata(name: str, version: str, extensions: Sequence[str]) -> bytes:
    """ServerMetadataResponse."""
    told = b"".join(wire.field(3, extension) for extension in extensions)
    return wire.field(1, name) + wire.field(2, version) + told


def model_metadata(
    name: str, versions: Sequence[str], platform: str, inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]
) -> bytes:
    """ModelMetadataResponse."""
    parts = [wire.field(1, name)]
    parts += (wire.lead(2, len(version.encode())) + version.encode() for version in versions)
    parts.append(wire.field(3, platform))
    parts += (wire.field(4, _tensor(spec)) for spec in inputs)
    parts += (wire.field(5, _tensor(spec)) for spec in outputs)
    return b"".join(parts)


def _tensor(spec: TensorSpec) -> bytes:
    return wire.field(1, spec.name) + wire.field(2, spec.datatype) + wire.shape(3, spec.shape)
