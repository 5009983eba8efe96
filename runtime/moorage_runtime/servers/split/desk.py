"""Where a pod decides who answers a request: itself, or another revision that its route table names."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from urllib.parse import unquote

from moorage_runtime.config import Route as Entry
from moorage_runtime.config import RouteTable, Shield
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.breaker import Breaker, Pass
from moorage_runtime.routing.buckets import Turns
from moorage_runtime.routing.hooks import Question, Reply, Watcher
from moorage_runtime.routing.patience import Patience
from moorage_runtime.routing.plan import Plan, plan
from moorage_runtime.servers.forward.pool import Pool
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline
from moorage_runtime.servers.rest.faults import HOP
from moorage_runtime.servers.rest.terms import Terms
from moorage_runtime.servers.split import ending, hurry
from moorage_runtime.servers.split.behind import Behind
from moorage_runtime.servers.split.copying import Copies
from moorage_runtime.servers.split.crossing import Crossing, Manner
from moorage_runtime.servers.split.guest import Guest
from moorage_runtime.servers.split.routes import Copied, Draw, Fixed, Keyed, Nowhere
from moorage_runtime.servers.split.solo import NAMED

# Second opinions at once.
_OPINIONS = 4
_OWN = (b"/v2/health", b"/docs", b"/openapi.json")
_OF_MODELS = (b"/v2/models/", b"/v1/models/")
_VERSION = re.compile(rb"/(?:v2/models|v1/models|v1/predict)/([^/]+)/versions/([^/:]+)").match


class Desk:
    """Follows the plane's route table. `own`: answers in the place of others; `again`: answers what was asked before.

    `splits`: whether any request may go elsewhere without its client's wish. `watcher` may be set: it hears of answers
    that can be compared. To be used from the loop's thread only.
    """

    def __init__(
        self, plane: DataPlane, own: Behind, again: Behind, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.model, self.version = plane.config.model, plane.config.version
        self.clock = clock
        self.tracer = plane.tracer
        self.again = again
        self.watcher: Watcher | None = None
        self._plane = plane
        self._own = own
        self._patience = Patience(plane.usual_seconds)
        self._pools: dict[str, Pool] = {}
        self._breakers: dict[str, Breaker] = {}
        self._guests: dict[str, Guest] = {}
        self._agrees: dict[str, bool] = {}
        self._waiting: dict[str, list[Callable[[bool], None]]] = {}
        self._opinions: set[asyncio.Task[None]] = set()
        self._turns, self._copies = Turns(), Turns()
        self.plan = _alone(plane)
        self.splits = False
        plane.routes.follow(self.apply)

    @property
    def shield(self) -> Shield | None:
        """What is done when a guest fails."""
        return self.plan.table.shield

    @property
    def compares(self) -> bool:
        """Whether anybody wants to hear of a guest's good answers."""
        return self.watcher is not None and self.plan.table.compare is not None

    def apply(self) -> None:
        """Follow the table that is in force now."""
        self.plan = self._plane.routes.plan or _alone(self._plane)
        self.splits = self.plan.splits
        table = self.plan.table
        others = {name: entry for name, entry in table.revisions.items() if entry.address and name != self.plan.own}
        addresses = {entry.address for entry in others.values()}
        for address in [each for each in self._pools if each not in addresses]:
            self._pools.pop(address).close()
        self._breakers = {name: self._breakers.get(name) or Breaker() for name in others}
        self._guests = {name: self._guest(name, entry, table) for name, entry in others.items()}
        if self.watcher is not None:
            self.watcher.table(table.compare)

    def lead(self, head: Head, local: Route) -> Route:
        """See `Splitter`."""
        headers, plan = head.headers, self.plan
        if HOP in headers or head.path.startswith(_OWN):
            return local
        door: str | None = getattr(local, "door", None)
        if not door and (elsewhere := self._of_path(head)) is not None:
            return self.picked(elsewhere, local)
        named = headers.get(NAMED)
        if named is not None and (door or head.path.startswith(_OF_MODELS)):
            return self._named(named, local, door or "")
        if not plan.splits or door is None or (isinstance(head.facts, Terms) and head.facts.events):
            return local
        route = local
        if plan.heir is not None:
            route = Fixed(self, plan.heir, Manner.HERITAGE, local, door)
        elif plan.shadow is not None:
            route = Copied(self, local, self._copies, door, plan.shadow, plan.shadow_fraction)
        if not plan.shares:
            return route
        kind = Keyed if plan.table.key_header else Draw
        return kind(self, plan, self._turns, route, local, door)

    def elsewhere(self, head: Head, fault: RequestFault) -> Route:
        """See `Splitter`; a path may name the version of another revision."""
        revision = self._of_path(head) if HOP not in head.headers else None
        if revision is None:
            raise fault
        return self.picked(revision, Nowhere(fault, self._plane.config.limits.body_bytes))

    def _of_path(self, head: Head) -> str | None:
        """The other revision whose version a path names, if it names one."""
        found = _VERSION(head.path)
        model, version = (unquote(part.decode("latin-1")) for part in found.groups()) if found else ("", "")
        revision = self.plan.of_version(version) if found and model == self.model else None
        return revision if revision != self.plan.own else None

    def _named(self, name: bytes, local: Route, door: str) -> Route:
        revision = self.plan.named(unquote(name.decode("latin-1")))
        if revision is None:
            known = ", ".join(self.plan.names())
            raise RequestFault(404, "VersionNotFound", f"{NAMED.decode()}: this model has {known}")
        return local if revision == self.plan.own else self.picked(revision, local, door)

    def picked(self, revision: str, local: Route, door: str = "") -> Route:
        """The route of what a client wants from one revision and no other."""
        return Fixed(self, revision, Manner.WISH, local, door)

    def cross(self, exchange: Exchange, local: Route, revision: str, manner: Manner, door: str) -> None:
        """Have another revision answer; `local` does it where that one is not asked at all."""
        guest = self._guests.get(revision)
        if guest is None:
            local(exchange)
            return
        left = self.seconds(exchange)
        went = Pass.FREE
        if manner is not Manner.WISH:
            went = guest.breaker.ask(self.clock()) if self.shield or manner is Manner.HERITAGE else Pass.FREE
            if went is Pass.HELD or guest.full or left <= 0 or (manner is Manner.SHARE and guest.pool.stranger):
                guest.tally.held += 1
                local(exchange)
                return
        Crossing(self, exchange, guest, manner, went, door).begin(left)

    def seconds(self, exchange: Exchange) -> float:
        """How long the client waits from now on."""
        head = exchange.head
        patience = deadline.of_head(head, self._plane.config.timeout_seconds)
        terms = head.facts
        if isinstance(terms, Terms):
            patience = min(patience, hurry.seconds(exchange.body, terms.json_length))
        return exchange.began + patience - self.clock()

    def patience(self, left: float, now: float) -> float:
        """How long a guest may take for a request whose client waits `left` seconds."""
        shield = self.shield
        return self._patience.seconds(left, shield.patience_seconds if shield else None, now)

    def lost(self, began: float) -> bool:
        """Whether a client that left a guest had waited for it far longer than the own model takes."""
        now = self.clock()
        return self._patience.lost(now - began, now)

    def other(self, revision: str) -> Copies | None:
        """Where copies for a revision go; None for one that the table does not have."""
        guest = self._guests.get(revision)
        return Copies(guest, self.clock, lambda left: self.patience(left, self.clock())) if guest else None

    def instead(self, exchange: Exchange) -> None:
        """The own model answers what a guest did not. Never raises."""
        self._own.answer(exchange)

    def answered(self, revision: str, question: Question, reply: Reply) -> None:
        """A guest's good answer has left."""
        if self.watcher is not None:
            self.watcher.forwarded(revision, question, reply)

    def consult(self, question: Question, outcome: str, heard: Callable[[bool], None]) -> None:
        """Ask the own model the same: `heard` is told whether it ended so as well; without room, whether the last one
        did, as soon as there is one.
        """
        if len(self._opinions) < _OPINIONS:
            task = asyncio.get_running_loop().create_task(self._consult(question, outcome, heard))
            self._opinions.add(task)
            task.add_done_callback(self._opinions.discard)
        elif outcome in self._agrees:
            heard(self._agrees[outcome])
        else:
            self._waiting.setdefault(outcome, []).append(heard)

    async def _consult(self, question: Question, outcome: str, heard: Callable[[bool], None]) -> None:
        reply = await self.again.ask(question)
        agrees = reply is not None and ending.agreed(outcome, reply.status, reply.headers)
        self._agrees[outcome] = agrees
        for each in (heard, *self._waiting.pop(outcome, ())):
            each(agrees)

    def close(self) -> None:
        """End all connections to others."""
        for task in self._opinions:
            task.cancel()
        for pool in self._pools.values():
            pool.abort()

    def _guest(self, revision: str, entry: Entry, table: RouteTable) -> Guest:
        address = entry.address or ""
        pool = self._pools.get(address) or self._pools.setdefault(address, Pool(address, self.clock))
        tally = self._plane.tallies.of(revision, entry.version, table.revisions)
        return Guest(revision, entry, pool, tally, self._breakers[revision])


def _alone(plane: DataPlane) -> Plan:
    """What holds before there is a table."""
    config = plane.config
    entry = Entry(version=config.version, role="stable", weight=100)
    return plan(RouteTable(generation=0, revisions={config.revision: entry}), config.revision)
