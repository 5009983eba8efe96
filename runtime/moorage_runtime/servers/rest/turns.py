"""Large requests, one after the other and a bit of one at a time: in between, small ones are answered."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.steps import Steps

log = logging.getLogger(__name__)


class Turns:
    """Whose turn it is. Two at once would take as long, and more memory."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Exchange, Steps[None]]] = deque()

    def take(self, exchange: Exchange, steps: Steps[None]) -> None:
        """Do these steps, which answer the exchange, when it is their turn; those left by their client are dropped."""
        self._waiting.append((exchange, steps))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        exchange, steps = self._waiting[0]
        if exchange.gone:
            steps.close()
            self._waiting.popleft()
        elif _was_last(exchange, steps):
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._step)


def _was_last(exchange: Exchange, steps: Steps[None]) -> bool:
    """Take one step."""
    try:
        next(steps)
    except StopIteration:
        return True
    except RequestFault as fault:
        refuse(exchange, fault)
        return True
    except Exception:
        log.exception("request failed")
        refuse(exchange, internal())
        return True
    return False
