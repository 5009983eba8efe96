"""Whether a route table can be meant: a pod would rather go on as before than follow one that cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moorage_runtime.config import Compare, Route, RouteTable
from moorage_runtime.routing.plan import ARM, CANDIDATE, ROLES, SHADOW, STABLE

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z").match
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.\-]+):([0-9]{1,5})\Z").match
_LONGEST = 253
_MOST = 64


def obstacle(table: RouteTable, newest: int) -> str | None:
    """Why a table is not followed, with the path of what is wrong; None when it is.

    `newest`: the generation in force.
    """
    if table.generation < max(newest, 1):
        return f"generation: {table.generation} is older than {newest}, which is in force"
    return next(_wrong(table), None)


def _wrong(table: RouteTable) -> Iterator[str]:
    if len(table.revisions) > _MOST:
        yield f"revisions: more than {_MOST}"
    for revision, route in table.revisions.items():
        yield from (f"revisions.{revision}.{wrong}" for wrong in _route(route))
    yield from _together(list(table.revisions.values()))
    if table.key_header is not None and not _TOKEN(table.key_header):
        yield "keyHeader: is no name of a header"
    if not 0 <= table.shadow_percent <= 100:
        yield "shadowPercent: must be 0 to 100"
    if table.shield is not None and table.shield.patience_seconds is not None and not table.shield.patience_seconds > 0:
        yield "shield.patienceSeconds: must be more than 0"
    if table.compare is not None:
        yield from (f"compare.{wrong}" for wrong in _compare(table.compare))


def _route(route: Route) -> Iterator[str]:
    if route.role not in ROLES:
        yield f"role: {route.role!r} is none of {', '.join(sorted(ROLES))}"
    if not 0 <= route.weight <= 100:
        yield "weight: must be 0 to 100"
    if route.address is not None and not _reachable(route.address):
        yield "address: must be host:port"
    if route.address is None and route.weight and route.role == CANDIDATE:
        yield "address: is needed for its weight"
    if route.role == ARM and not route.arm:
        yield "arm: needs a name"


def _reachable(address: str) -> bool:
    found = _ADDRESS(address)
    return found is not None and len(address) <= _LONGEST and 0 < int(found[1]) < 65536


def _together(routes: list[Route]) -> Iterator[str]:
    for role in (STABLE, CANDIDATE, SHADOW):
        if sum(route.role == role for route in routes) > 1:
            yield f"revisions: more than one {role}"
    guests = [route for route in routes if route.role in (CANDIDATE, ARM)]
    if sum(route.weight for route in guests) > 100:
        yield "revisions: the weights are more than 100 together"
    arms = [route.arm for route in routes if route.role == ARM]
    if len(set(arms)) < len(arms):
        yield "revisions: two arms have one name"


def _compare(compare: Compare) -> Iterator[str]:
    if not 0 <= compare.percent <= 100:
        yield "percent: must be 0 to 100"
    if compare.tolerance < 0:
        yield "tolerance: must not be negative"
    if compare.top_k is not None and compare.top_k < 1:
        yield "topK: must be at least 1"
    if compare.concurrency < 1:
        yield "concurrency: must be at least 1"
    if compare.queue < 0:
        yield "queue: must not be negative"
