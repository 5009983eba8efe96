"""The next route table: the live one when it says the same, else one of a higher generation."""

from __future__ import annotations

from collections.abc import Mapping

from moorage_operator.observed.routes import last_generation, live_routes
from moorage_operator.observed.world import World
from moorage_runtime.config import Route, RouteTable


def next_routes(world: World, revisions: Mapping[str, Route]) -> RouteTable:
    """The table that says `revisions`. The generation never falls, even when the ConfigMap was deleted by hand."""
    live = live_routes(world)
    last = last_generation(world)
    if live.generation == last and live.generation > 0 and live.revisions == dict(revisions):
        return live
    return RouteTable(generation=last + 1, revisions=dict(revisions))
