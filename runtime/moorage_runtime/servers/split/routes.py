"""Routes that share their requests with other revisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.buckets import BUCKETS, Turns
from moorage_runtime.routing.plan import Plan
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.split.behind import reply_of
from moorage_runtime.servers.split.crossing import Manner, asked

if TYPE_CHECKING:
    from moorage_runtime.servers.http.answers import Answer
    from moorage_runtime.servers.split.desk import Desk


Said = Mapping[bytes, bytes]


class Deciding:
    """A route that may be asked who would answer a request, before there is one."""

    __slots__ = ()

    def decided(self, said: Said) -> Route | None:
        """The route of a request with these headers, settled; None when it is this pod's own. It may be a draw."""
        raise NotImplementedError


class Draw(Deciding):
    """Takes every request by turns: to another revision, or to `local`, this pod's own route through the same door.

    `bare`: the same without what another table may not want.
    """

    __slots__ = ("_bare", "_desk", "_door", "_end", "_local", "_only", "_plan", "_turns", "body_limit", "needs_body")

    def __init__(self, desk: Desk, plan: Plan, turns: Turns, local: Route, bare: Route, door: str) -> None:
        self._desk = desk
        self._plan = plan
        self._turns = turns
        self._local = local
        self._bare = bare
        self._end = plan.shares[-1].end / BUCKETS
        self._only = plan.shares[0].revision if len(plan.shares) == 1 else None
        self._door = door
        self.needs_body = local.needs_body
        self.body_limit = local.body_limit

    def __call__(self, exchange: Exchange) -> None:
        """Answer, or have it answered."""
        at = self._turns.next()
        if at >= self._end:
            self._local(exchange)
        else:
            self._cross(exchange, self._only or self._plan.of_bucket(int(at * BUCKETS)))

    def decided(self, said: Said) -> Route | None:
        """See `Deciding`."""
        revision = self._chosen(said)
        if revision is not None:
            return Fixed(self._desk, revision, Manner.SHARE, self._local, self._door)
        return self._local.decided(said) if isinstance(self._local, Deciding) else None

    def _chosen(self, _said: Said) -> str | None:
        return self._plan.of_bucket(int(self._turns.next() * BUCKETS))

    def _cross(self, exchange: Exchange, revision: str | None) -> None:
        if revision is None:
            self._local(exchange)
        elif self._desk.plan is self._plan:
            self._desk.cross(exchange, self._local, revision, Manner.SHARE, self._door)
        else:
            # Another table came into force while the body was on its way.
            self._desk.lead(exchange.head, self._bare)(exchange)


class Keyed(Draw):
    """The same, by the key of the request, if it has one."""

    __slots__ = ("_header",)

    def __init__(self, desk: Desk, plan: Plan, turns: Turns, local: Route, bare: Route, door: str) -> None:
        super().__init__(desk, plan, turns, local, bare, door)
        self._header = (plan.table.key_header or "").lower().encode()

    def __call__(self, exchange: Exchange) -> None:
        """See `Draw`."""
        key = exchange.head.headers.get(self._header)
        if key:
            self._cross(exchange, self._plan.of_key(key))
        else:
            super().__call__(exchange)

    def _chosen(self, said: Said) -> str | None:
        key = said.get(self._header)
        return self._plan.of_key(key) if key else super()._chosen(said)


class Copied(Deciding):
    """Answers by `route`; of what this pod answers itself, `fraction` is shown to the watcher, for `revision`."""

    __slots__ = ("_desk", "_door", "_fraction", "_revision", "_route", "_turns", "body_limit", "needs_body")

    def __init__(self, desk: Desk, route: Route, turns: Turns, door: str, revision: str, fraction: float) -> None:
        self._desk = desk
        self._route = route
        self._turns = turns
        self._door = door
        self._revision = revision
        self._fraction = fraction
        self.needs_body = route.needs_body
        self.body_limit = route.body_limit

    def __call__(self, exchange: Exchange) -> None:
        """Answer, and have some answers heard."""
        if self._turns.next() < self._fraction:
            self._heard(exchange)
        self._route(exchange)

    def decided(self, _said: Said) -> Route | None:
        """See `Deciding`."""
        if self._turns.next() >= self._fraction:
            return None
        return Copied(self._desk, self._route, self._turns, self._door, self._revision, 1.0)

    def _heard(self, exchange: Exchange) -> None:
        seconds = self._desk.seconds(exchange)

        def heard(answer: Answer) -> None:
            watcher = self._desk.watcher
            if watcher is not None and answer[0] < 300:
                reply = reply_of(answer, self._desk.clock() - exchange.began)
                watcher.own(self._revision, asked(exchange, self._door, seconds), reply)

        exchange.tap(heard)


class Fixed(Deciding):
    """All requests to one revision. `local`: this pod's own route."""

    __slots__ = ("_desk", "_door", "_local", "_manner", "_revision", "body_limit", "needs_body")

    def __init__(self, desk: Desk, revision: str, manner: Manner, local: Route, door: str) -> None:
        self._desk = desk
        self._revision = revision
        self._manner = manner
        self._local = local
        self._door = door
        self.needs_body = local.needs_body
        self.body_limit = local.body_limit

    def __call__(self, exchange: Exchange) -> None:
        """Have it answered."""
        self._desk.cross(exchange, self._local, self._revision, self._manner, self._door)

    def decided(self, _said: Said) -> Route | None:
        """See `Deciding`."""
        return self


class Nowhere:
    """Stands for the own route of what this pod does not have."""

    __slots__ = ("_fault", "body_limit")

    needs_body = False

    def __init__(self, fault: RequestFault, body_limit: int) -> None:
        self._fault = fault
        self.body_limit = body_limit

    def __call__(self, _exchange: Exchange) -> None:
        """Refuse. Raises `RequestFault`."""
        raise self._fault
