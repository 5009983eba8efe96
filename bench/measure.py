"""Rounds: every contestant once a round, the reference before and after each of its cells."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from e2e.cluster.cache import locked

from . import alone, cells
from .account import core_seconds, cpu_seconds, memory
from .answers import Wrong
from .cells import Cell
from .contestant import Contestant
from .contestants import REFERENCE
from .environments import Unavailable
from .load import Ammunition, NoAnswers, lift
from .places import CACHE
from .process import CORE, NotReady, Server, running

PATIENCE = 0.5
STRANGERS = 0.12
TRIES = 2
WARM_UP = 1
REFERENCE_SECONDS = 1

# Another run on this machine measures between our contestants, not beside them.
TURN = CACHE / "locks" / "turn.lock"

Record = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One cell of one server: answers a second, milliseconds, CPU microseconds an answer, shares of core 0."""

    rate: float
    p50: float
    p99: float
    cpu: float
    busy: float
    strangers: float
    refused: int
    lost: int


class Bench:
    """A run: the loads, and the reference server that stays up through all of it."""

    def __init__(self, seconds: int, runtime: Path) -> None:
        self.seconds = seconds
        self.runtime = runtime
        self.loads: dict[Cell, Ammunition] = {}

    def run(self, contestants: Sequence[Contestant], rounds: int, tell: Callable[[Record], None]) -> None:
        """Measure everybody `rounds` times, in turning order, so that a slow spell of the machine falls on all."""
        with TemporaryDirectory(prefix="moorage-bench-") as folder, running(REFERENCE, self.runtime) as reference:
            self.folder, self.reference = Path(folder), reference
            self.reference.wait(cells.REFERENCE, self._load(cells.REFERENCE).payloads[0])
            for index in range(rounds):
                tell({"key": "alone", "round": index} | _alone())
                for contestant in contestants if index % 2 == 0 else contestants[::-1]:
                    tell({"key": contestant.key, "round": index} | self._visit(contestant))

    def _visit(self, contestant: Contestant) -> Record:
        try:
            with locked(TURN), running(contestant, self.runtime) as server:
                return self._measure(server)
        except (Unavailable, NotReady, NoAnswers, Wrong, OSError) as fault:
            return {"error": f"{type(fault).__name__}: {fault}"}

    def _measure(self, server: Server) -> Record:
        asked = server.contestant.cells()
        ready = server.wait(asked[0], self._load(asked[0]).payloads[0])
        found: Record = {"ready": ready, "cells": {}}
        before = self._sample(self.reference, cells.REFERENCE, REFERENCE_SECONDS)
        for index, cell in enumerate(asked):
            server.check(cell, self._load(cell).payloads[0])
            with suppress(NoAnswers):
                self._fire(server, cell, WARM_UP)
            if not index:
                found["warm"] = asdict(memory(server.pids()))
            sample = self._calmest(server, cell)
            after = self._sample(self.reference, cells.REFERENCE, REFERENCE_SECONDS)
            around = {"cpu": (before.cpu + after.cpu) / 2, "rate": (before.rate + after.rate) / 2}
            found["cells"][cell.name] = asdict(sample) | {"reference": around}
            before = after
        pids = server.pids()
        return found | {"loaded": asdict(memory(pids)), "processes": len(pids)}

    def _calmest(self, server: Server, cell: Cell) -> Sample:
        found: list[Sample] = []
        for attempt in range(TRIES):
            try:
                found.append(self._sample(server, cell, self.seconds))
            except NoAnswers:
                # A generator that neighbours kept off its core for the whole cell; a server that is down fails again.
                if attempt == TRIES - 1 and not found:
                    raise
                continue
            if found[-1].strangers <= STRANGERS:
                break
        return min(found, key=lambda sample: sample.strangers)

    def _sample(self, server: Server, cell: Cell, seconds: int) -> Sample:
        _wait_for_calm()
        pids = server.pids()
        for pid in pids:
            lift(pid)
        began, used, core = time.monotonic(), cpu_seconds(pids), core_seconds(int(CORE))
        observed = self._fire(server, cell, seconds)
        took = time.monotonic() - began
        used, core = cpu_seconds(server.pids()) - used, core_seconds(int(CORE)) - core
        return Sample(
            rate=observed.requests / observed.seconds,
            p50=observed.p50,
            p99=observed.p99,
            cpu=used / max(observed.requests, 1) * 1e6,
            busy=used / took,
            strangers=max(0.0, core - used) / took,
            refused=observed.refused,
            lost=observed.lost,
        )

    def _fire(self, server: Server, cell: Cell, seconds: int) -> Any:
        return self._load(cell).fire(
            server.port_of(cell), server.contestant.path(cell), seconds, server.contestant.headers
        )

    def _load(self, cell: Cell) -> Ammunition:
        if cell not in self.loads:
            self.loads[cell] = Ammunition(cell, self.folder)
        return self.loads[cell]


def _alone() -> Record:
    with locked(TURN):
        return {"cost": {model: alone.measure(model) for model in alone.MODELS}}


def _wait_for_calm() -> None:
    """Let the neighbours on core 0 finish, for a while."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        before = core_seconds(int(CORE))
        time.sleep(0.1)
        if core_seconds(int(CORE)) - before <= 0.1 * STRANGERS:
            return
