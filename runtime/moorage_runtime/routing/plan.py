"""What a route table means to one pod: who gets which share, and whom a client may name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator

import msgspec

from moorage_runtime.config import Route, RouteTable
from moorage_runtime.routing.buckets import BUCKETS, bucket

STABLE, CANDIDATE, SHADOW, ARM, RETIRING = "stable", "candidate", "shadow", "arm", "retiring"
ROLES = frozenset({STABLE, CANDIDATE, SHADOW, ARM, RETIRING})
# Those whose answers are doubted, by themselves first of all.
GUESTS = frozenset({CANDIDATE, SHADOW, ARM})
_PERCENT = BUCKETS // 100


class Share(msgspec.Struct, frozen=True):
    """The buckets below `end` that no share before it has."""

    revision: str
    end: int


class Plan(msgspec.Struct, frozen=True):
    """`shares` of other revisions, in order; what they leave is the pod's own. `heir`: the revision that gets it
    instead, as this one serves no more. `shadow`: the revision that gets copies of `shadow_fraction` of the pod's own
    requests.
    """

    own: str
    table: RouteTable
    shares: tuple[Share, ...] = ()
    heir: str | None = None
    shadow: str | None = None
    shadow_fraction: float = 0.0

    @property
    def splits(self) -> bool:
        """Whether any request may go elsewhere, or a copy of it."""
        return bool(self.shares or self.heir or self.shadow)

    def of_bucket(self, number: int) -> str | None:
        """The revision of a bucket; None for the pod's own."""
        at = bisect_right([share.end for share in self.shares], number)
        return self.shares[at].revision if at < len(self.shares) else None

    def of_key(self, key: bytes) -> str | None:
        """The revision that a key always gets; None for the pod's own."""
        return self.of_bucket(bucket(self.table.salt, key))

    def route(self, revision: str) -> Route:
        """The entry of a revision that one of these methods gave."""
        return self.table.revisions[revision]

    def named(self, name: str) -> str | None:
        """The revision that a client means by a revision, a role, an arm or a version, looked for in this order, the
        pod's own first; None for nobody.
        """
        for known in (_by_revision, _by_role, _by_arm, _by_version):
            found = self._first(known, name)
            if found is not None:
                return found
        return None

    def _first(self, known: Callable[[str, Route], str | None], name: str) -> str | None:
        entries = sorted(self.table.revisions.items(), key=lambda entry: (entry[0] != self.own, _rank(entry[1])))
        for revision, route in entries:
            if known(revision, route) == name and (revision == self.own or route.address):
                return revision
        return None

    def of_version(self, version: str) -> str | None:
        """The revision of a version that a path names; None for nobody."""
        return self._first(_by_version, version)

    def names(self) -> list[str]:
        """What a client may name, for people."""
        found: dict[str, None] = {}
        for revision, route in self.table.revisions.items():
            if revision == self.own or route.address:
                found |= dict.fromkeys(filter(None, (route.version, route.role, route.arm, revision)))
        return list(found)


def plan(table: RouteTable, own: str) -> Plan:
    """Work a valid table out for the pod of revision `own`."""
    me = table.revisions.get(own)
    role = me.role if me else RETIRING
    # Clients reach a candidate while the Service moves to it, and a retiring one by connections that they kept: the
    # arms' clients get their arm there as well.
    if role in GUESTS:
        return Plan(own, table, tuple(_shares(table, {ARM})) if role == CANDIDATE else ())
    if role == RETIRING:
        heirs = [revision for revision, route in table.revisions.items() if route.role == STABLE and route.address]
        return Plan(own, table, tuple(_shares(table, {ARM})), heir=heirs[0]) if heirs else Plan(own, table)
    copied = _copied(table) if table.shadow_percent > 0 else None
    return Plan(
        own, table, tuple(_shares(table, {ARM, CANDIDATE})), None, copied, table.shadow_percent / 100 if copied else 0.0
    )


def _shares(table: RouteTable, roles: Collection[str]) -> Iterator[Share]:
    """Arms first, in the order of their names, then the candidate: so a ramp only ever adds to its range. An arm
    without an address keeps its range, so that no other arm's clients move; whoever is asked answers it himself.
    """
    end = 0
    guests = [(route.role == CANDIDATE, route.arm or "", revision, route) for revision, route in _guests(table, roles)]
    for _, _, revision, route in sorted(guests, key=lambda guest: guest[:3]):
        end += route.weight * _PERCENT
        yield Share(revision, end)


def _guests(table: RouteTable, roles: Collection[str]) -> Iterator[tuple[str, Route]]:
    for revision, route in table.revisions.items():
        if route.role in roles and route.weight and (route.address or route.role == ARM):
            yield revision, route


def _copied(table: RouteTable) -> str | None:
    for wanted in (SHADOW, CANDIDATE):
        for revision, route in table.revisions.items():
            if route.role == wanted and route.address:
                return revision
    return None


def _rank(route: Route) -> int:
    order = (STABLE, CANDIDATE, ARM, SHADOW, RETIRING)
    return order.index(route.role)


def _by_revision(revision: str, _route: Route) -> str:
    return revision


def _by_role(_revision: str, route: Route) -> str | None:
    return route.role if route.role != ARM else None


def _by_arm(_revision: str, route: Route) -> str | None:
    return route.arm


def _by_version(_revision: str, route: Route) -> str:
    return route.version
