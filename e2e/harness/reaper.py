"""Kills an operator at every write of a rollout, before and after it, and starts it again each time."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import Self

from e2e.harness.fault_proxy import Call, Fault, When
from e2e.harness.local_operator import LocalOperator

TURNS = 3
"""Of each kind of write: the status is written as often as the operator looks, and something has to get done."""
LOOK_SECONDS = 0.02


class Reaper:
    """The rule of a fault proxy: of each kind of write the first `TURNS` are died at, each on both sides in turn.

    `kills`: by kind and side.
    """

    def __init__(self, operator: LocalOperator, namespace: str) -> None:
        self.operator, self.namespace = operator, namespace
        self.kills: Counter[tuple[str, When]] = Counter()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._keeper.join()

    def rule(self, call: Call) -> Fault | None:
        """Die before a write that was not died before yet, and after it when it comes again."""
        if self._over.is_set() or call.namespace != self.namespace or not call.write:
            return None
        before, after = self.kills[call.key, When.BEFORE], self.kills[call.key, When.AFTER]
        side = When.AFTER if after < before else When.BEFORE
        if side is When.BEFORE and before >= TURNS:
            return None
        self.kills[call.key, side] += 1
        return Fault(side, act=self.operator.kill)

    def _keep(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            if not self.operator.alive:
                with suppress(AssertionError):
                    self.operator.wait_gone(5)
                    self.operator.start()
