"""What the models of revisions take and give, as their downloads reported."""

from __future__ import annotations

from moorage_operator.observed.world import World
from moorage_runtime.config import Schema


def schema_of(world: World, revision: str | None) -> Schema | None:
    """The schema of a revision; None while no pod of it reported one."""
    reports = (pod.download_report for pod in world.pods_of(revision))
    return next((each.model_schema for each in reports if each is not None and each.model_schema is not None), None)
