"""The next route table: the live one when it says the same, else one of a higher generation."""

from __future__ import annotations

from msgspec.structs import replace

from moorage_operator.observed.routes import last_generation, live_routes
from moorage_operator.observed.world import World
from moorage_runtime.config import RouteTable


def next_routes(world: World, wished: RouteTable) -> RouteTable:
    """The table that says what `wished` says. The generation never falls, even when the ConfigMap was deleted."""
    live = live_routes(world)
    last = last_generation(world)
    if live.generation == last and live.generation > 0 and replace(wished, generation=last) == live:
        return live
    return replace(wished, generation=last + 1)
