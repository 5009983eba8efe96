"""The admin port: probes, metrics and state, for the kubelet, the operator and Prometheus only."""

from __future__ import annotations

import msgspec

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.metrics.exposition import CONTENT_TYPE
from moorage_runtime.metrics.metrics import Metrics
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.door import Methods, Reading, reading
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps

PATHS = "/livez, /startupz, /readyz, /metrics, /state"
TEXT = b"text/plain; charset=utf-8"


class AdminDoor:
    """Every path of the admin port."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._turns = Turns()

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
                return {b"GET": _MetricsPage(plane.metrics, self._turns)}
            case ["state"]:
                return reading(lambda: (200, msgspec.json.encode(plane.state() | msgspec.to_builtins(plane.report()))))
        return None


class _MetricsPage(Reading):
    """Written in turns, for it is long where there are many models."""

    def __init__(self, metrics: Metrics, turns: Turns) -> None:
        super().__init__(CONTENT_TYPE)
        self._metrics = metrics
        self._turns = turns

    def __call__(self, exchange: Exchange) -> None:
        """Answer with the page, soon."""
        self._turns.take(exchange, self._told(exchange))

    def _told(self, exchange: Exchange) -> Steps[None]:
        exchange.answer(200, (yield from self._metrics.steps()), self._content_type)


def _why_not(plane: DataPlane) -> bytes:
    """What keeps traffic away: the phase, or what stands in the way of a pod that is ready otherwise."""
    return f"{(plane.catalogue.ready and plane.obstacle()) or plane.catalogue.phase}\n".encode()


def _probe(good: bool, yes: bytes, no: bytes) -> tuple[int, bytes]:
    return (200, yes) if good else (503, no)
