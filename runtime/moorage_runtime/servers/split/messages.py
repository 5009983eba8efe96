"""Inference messages of gRPC that another revision answers: they go on as calls of the Connect protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Reply
from moorage_runtime.routing.plan import Plan
from moorage_runtime.servers.http.answers import Answer
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.stream import Stream
from moorage_runtime.servers.rest import deadline, identity
from moorage_runtime.servers.rest.connect import PATH, PROTO
from moorage_runtime.servers.rest.faults import HOP
from moorage_runtime.servers.rest.router import Router
from moorage_runtime.servers.split.behind import call, reply_of
from moorage_runtime.servers.split.desk import Desk
from moorage_runtime.servers.split.routes import Deciding
from moorage_runtime.servers.split.solo import NAMED

Said = Mapping[bytes, bytes]
Heard = Callable[[Reply], None]
_METHOD = b"POST"
_LEAST_SECONDS, _MOST_SECONDS = 0.001, 1e6


class Carrier:
    """For the gRPC port. `router`: of this pod's own doors. While the desk does not split, only messages that name a
    version need be asked about.
    """

    def __init__(self, desk: Desk, router: Router) -> None:
        self.desk = desk
        self._router = router
        self._own = dict(identity.headers(desk.version, desk.plan.own))
        self._plan: Plan | None = None
        self._route: Route | None = None

    def takes(self, said: Said) -> Route | None:
        """Who answers a message that came with this metadata; None for the pod itself, as for most messages. Asked
        once for each message, as it may be a draw. Raises `RequestFault` 404 for a version nobody has.
        """
        plan = self.desk.plan
        route: Route | None
        if NAMED in said:
            route = self._lead(said)
        elif not plan.splits:
            return None
        else:
            if self._plan is not plan:
                self._plan, self._route = plan, self._lead({})
            route = self._route
        return route.decided(said) if isinstance(route, Deciding) else None

    def _lead(self, said: Said) -> Route:
        head = self._head(said)
        return self.desk.lead(head, self._router.let_in(head))

    def of_version(self, version: str, said: Said) -> Route | None:
        """Who answers a message that names a version which this pod does not have; None when nobody does."""
        revision = self.desk.plan.of_version(version)
        if revision is None or revision == self.desk.plan.own:
            return None
        return self.desk.picked(revision, self._router.let_in(self._head(said)))

    def send(
        self, route: Route, message: bytes, said: Said, request_id: bytes, began: float, seconds: float, heard: Heard
    ) -> Exchange:
        """Have a message answered; `heard` is told, now or later, in the loop's thread. `seconds`: that its client
        waits, from `began` on. Whoever gives it up tells the exchange to `leave`.
        """
        patience = min(max(seconds, _LEAST_SECONDS), _MOST_SECONDS)
        head = self._head({**said, deadline.HEADER: b"%.3f" % patience, HOP: b"1"})
        self._router.let_in(head)

        def told(answer: Answer) -> None:
            reply = reply_of(answer, self.desk.clock() - began)
            heard(msgspec.structs.replace(reply, headers={**self._own, **reply.headers}))

        exchange = Exchange(_Teller(told), head, message, request_id, began)
        call(route, exchange)
        return exchange

    def _head(self, said: Said) -> Head:
        return Head(_METHOD, PATH, b"", {**said, b"content-type": PROTO})


class _Teller:
    """Takes a whole answer; there are no others to a message."""

    def __init__(self, told: Callable[[Answer], None]) -> None:
        self._told = told

    def answer(self, _exchange: Exchange, answer: Answer) -> None:
        self._told(answer)

    def stream(self, _exchange: Exchange, _opening: Answer) -> Stream:
        raise RequestFault(406, "StreamUnsupported", "this model answers in parts")
