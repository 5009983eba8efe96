"""The admin port: probes, metrics and state, for the kubelet, the operator and Prometheus only."""

from __future__ import annotations

import msgspec

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.metrics.exposition import CONTENT_TYPE
from moorage_runtime.servers.rest.door import Methods, reading

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
                return reading(lambda: _probe(plane.ready, b"ready\n", f"{plane.catalogue.phase}\n".encode()), TEXT)
            case ["metrics"]:
                return reading(lambda: (200, plane.metrics.render()), CONTENT_TYPE)
            case ["state"]:
                return reading(lambda: (200, msgspec.json.encode(plane.state() | msgspec.to_builtins(plane.report()))))
        return None


def _probe(good: bool, yes: bytes, no: bytes) -> tuple[int, bytes]:
    return (200, yes) if good else (503, no)
