"""The admin port: probes, metrics and state, for the kubelet, the operator and Prometheus only."""

from __future__ import annotations

import msgspec

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.metrics.exposition import CONTENT_TYPE
from moorage_runtime.servers.rest.door import Methods, reading

PATHS = "/livez, /startupz, /readyz, /metrics, /state"
TEXT = b"text/plain; charset=utf-8"


class AdminDoor:
    """Every path of the admin port."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def match(self, parts: list[str]) -> Methods | None:
        """Probes, metrics and state."""
        plane = self._plane
        match parts:
            case ["livez"]:
                return reading(lambda: (200, b"live\n"), TEXT)
            case ["startupz"]:
                return reading(lambda: _probe(bool(plane.catalogue.served), b"started\n", b"loading\n"), TEXT)
            case ["readyz"]:
                return reading(lambda: _probe(plane.ready, b"ready\n", _why_not(plane)), TEXT)
            case ["metrics"]:
                return reading(lambda: (200, plane.metrics.render()), CONTENT_TYPE)
            case ["state"]:
                return reading(lambda: (200, msgspec.json.encode(plane.state() | msgspec.to_builtins(plane.report()))))
        return None


def _why_not(plane: DataPlane) -> bytes:
    """What keeps traffic away: the phase, or what stands in the way of a pod that is ready otherwise."""
    return f"{(plane.catalogue.ready and plane.obstacle()) or plane.catalogue.phase}\n".encode()


def _probe(good: bool, yes: bytes, no: bytes) -> tuple[int, bytes]:
    return (200, yes) if good else (503, no)
