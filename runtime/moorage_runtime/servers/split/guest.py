"""Another revision, as a pod that sends it requests knows it."""

from __future__ import annotations

from moorage_runtime.config import Route
from moorage_runtime.routing.breaker import Breaker
from moorage_runtime.routing.tally import Tally
from moorage_runtime.servers.forward.pool import Pool
from moorage_runtime.servers.rest import identity

# Of one pod, at once: what waits beyond them would only pile up behind a revision that has come to a halt.
IN_FLIGHT = 256


class Guest:
    """`identity`: headers that say who answers, should the answer itself not say it."""

    __slots__ = ("breaker", "identity", "pool", "revision", "tally", "version")

    def __init__(self, revision: str, route: Route, pool: Pool, tally: Tally, breaker: Breaker) -> None:
        self.identity = dict(identity.headers(route.version, revision))
        self.revision = revision
        self.version = route.version
        self.pool = pool
        self.tally = tally
        self.breaker = breaker

    @property
    def full(self) -> bool:
        """Whether it is given no more for now."""
        return self.tally.in_flight >= IN_FLIGHT
