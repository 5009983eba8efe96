"""The live route table."""

from __future__ import annotations

import msgspec

from moorage_operator.names import routes_config_map
from moorage_operator.observed.world import World
from moorage_runtime.config import ROUTES_KEY, RouteTable, decode_routes

EMPTY = RouteTable(generation=0, revisions={})


def live_routes(world: World) -> RouteTable:
    """The table as it stands in the ConfigMap; the empty one of generation 0 when there is none that can be read."""
    body = world.child("ConfigMap", routes_config_map(world.owner)) or {}
    try:
        return decode_routes((body.get("data") or {}).get(ROUTES_KEY, ""))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return EMPTY


def last_generation(world: World) -> int:
    """The highest generation that was ever told: the ConfigMap may have been deleted, the pods still remember."""
    told = [int(pod.touched) for pod in world.pods if pod.touched is not None and pod.touched.isdigit()]
    return max([live_routes(world).generation, *told])
