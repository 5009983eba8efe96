"""What one pod compares with: its own doors, the other revisions of its table, and the names of its model's outputs."""

from __future__ import annotations

from moorage_runtime.codecs.features.roles import roles
from moorage_runtime.comparing.told import Naming
from moorage_runtime.comparing.watching import Comparing
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.repository.served import Served
from moorage_runtime.routing.buckets import Turns
from moorage_runtime.servers.split.desk import Desk

# Requests in flight from which on clients need all there is.
BUSY = 4


def watch(plane: DataPlane, desk: Desk) -> Comparing:
    """Have a desk's answers compared from now on."""
    names = _Names(plane)
    watcher = Comparing(
        desk.again.ask, desk.other, lambda: plane.in_flight >= BUSY, lambda: names.now, desk.clock, Turns()
    )
    desk.watcher = watcher
    return watcher


class _Names:
    """Of the outputs of what is served now; worked out once for each version."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._of: Served | None = None
        self._found = Naming()

    @property
    def now(self) -> Naming:
        served = next(iter(self._plane.catalogue.served), None)
        if served is not self._of:
            self._of = served
            self._found = naming(served) if served is not None else Naming()
        return self._found


def naming(served: Served) -> Naming:
    """Which output is behind the words of the plain API, and of V1 where there is only one."""
    outputs = served.engine.outputs
    found = roles(outputs, served.manifest.classes, served.verdict.margins)
    only = next(iter(outputs)) if len(outputs) == 1 else ""
    # Without a label of its own the prediction is the likeliest class.
    prediction = found.label or found.probabilities or only
    return Naming(only, prediction, found.probabilities or "")
