"""The same models, asked for other reasons than a user's own request, and counted apart."""

from __future__ import annotations

from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.lane import BYPASSING, Lane
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.metrics.metrics import Metrics
from moorage_runtime.repository.served import Served


class Aside(DataPlane):
    """Shares lanes, limits and threads with `plane`, but not its counts of requests.

    `again`: what it runs was answered before, so nothing is remembered of it, no trace begins, and its answers are
    doubted. Else it answers users, whom somebody else did not answer.
    """

    def __init__(self, plane: DataPlane, *, again: bool) -> None:
        self.__dict__.update(vars(plane))
        self._plane = plane
        self._again = again
        self.metrics = Metrics(lambda: plane.ready, lambda: plane.routes.generation)
        if again:
            self.tracer = None
            self.doubted = True
        else:
            plane.instead = self.metrics

    def submit(self, served: Served, call: Call, door: str) -> None:
        """See `DataPlane`."""
        if self._again:
            call.cache = BYPASSING
        lane = self._lanes.get(id(served))
        if lane is None:
            super().submit(served, call, door)
            return
        if self.doubted:
            call.guard = lane.guard
        lane.submit(call, self.metrics.model(served.name, served.version).doors[door])

    def open(self, served: Served) -> Lane | None:
        """See `DataPlane`; the lane is the other plane's."""
        return self._plane.open(served)
