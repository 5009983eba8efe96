"""What all connections of one port share."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.answers import JSON, Answer, Answers, lines
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.heads import Heads
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.ration import Ration
from moorage_runtime.servers.traffic import Traffic

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.exchange import Exchange
    from moorage_runtime.servers.http.head import Head

log = logging.getLogger(__name__)

SCRATCH_BYTES = 64 << 10
Observer = Callable[["Exchange", int, int], None]
Refused = Callable[["Head | None", RequestFault, float], None]
_LAST_RESORT = b'{"error":{"code":500,"reason":"InternalError","message":"internal error"}}'


class Service:
    """The application, the bounds, and who is connected.

    `bodies`: bytes of bodies on their way, see `Limits.bodies_bytes`. `observer` hears of every answer: its status and
    length. `refused` hears of what no route answered: its head (None: it was no HTTP), why, and when it came.
    `loop` is set when the port opens. `scratch`: where bytes are read to, and taken from at once.
    """

    __slots__ = (
        "_count",
        "_prefix",
        "answers",
        "app",
        "bodies",
        "clock",
        "connections",
        "heads",
        "leaving",
        "limits",
        "loop",
        "observer",
        "ration",
        "refused",
        "scratch",
        "traffic",
    )

    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        app: App,
        answers: Answers,
        traffic: Traffic,
        limits: Limits,
        clock: Callable[[], float],
        leaving: Callable[[], bool] = lambda: False,
        observer: Observer | None = None,
        refused: Refused | None = None,
    ) -> None:
        self.app = app
        self.answers = answers
        self.traffic = traffic
        self.limits = limits
        self.clock = clock
        self.leaving = leaving
        self.observer = observer
        self.refused = refused
        self.heads = Heads(app, limits)
        self.connections: set[Connection] = set()
        self.bodies = 0
        self.ration = Ration(lambda: self.loop)
        self.scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._prefix = os.urandom(4).hex().encode()
        self._count = itertools.count()

    def new_id(self) -> bytes:
        """A request id for a client that sent none: hex digits, told apart by process and by count."""
        return b"%b%08x" % (self._prefix, next(self._count))

    def refuse(self, exchange: Exchange, head: Head | None, fault: RequestFault) -> None:
        """Answer a request that no route answers, unless there is an answer already."""
        if exchange.give(self.refusal(head, fault, exchange.request_id)) and self.refused is not None:
            self.refused(head, fault, exchange.began)

    def refusal(self, head: Head | None, fault: RequestFault, request_id: bytes) -> Answer:
        """The answer that tells a fault."""
        try:
            document = self.app.error(head, fault, request_id)
        except Exception:
            log.exception("a refusal failed")
            return 500, _LAST_RESORT, JSON, b""
        return fault.status, document, JSON, lines(fault.headers)
