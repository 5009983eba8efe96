"""Which route table is in force, and whether everybody who can get a request follows it."""

from __future__ import annotations

from moorage_operator.api.judgement import Readings
from moorage_operator.api.step import RevisionState, Routed
from moorage_operator.observed.revisions import answers
from moorage_operator.observed.routes import live_routes
from moorage_operator.observed.world import World


def routed(world: World, readings: Readings, stable: RevisionState | None) -> Routed:
    """The live table. A pod that cannot get a request need not say that it follows."""
    table = live_routes(world)
    told = {each.pod: each.report.generation for each in readings.now if each.report is not None}
    pods = world.pods_of(stable.revision) if stable is not None else ()
    asked = [pod.name for pod in pods if stable is not None and answers(pod, stable.digest)]
    return Routed(
        weights={revision: route.weight for revision, route in table.revisions.items()},
        shadow=table.shadow_percent,
        acked=all(told.get(name, -1) >= table.generation for name in asked),
    )
