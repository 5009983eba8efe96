"""All attacks on one server, with a well-behaved client beside them; what was found is judged by the tests."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.hostile import admin, json_doors, known, leaving, rpc, slowly, telling, transport
from tests.hostile.attack import DOORS, KINDS, Attack
from tests.hostile.bystander import Bystander, percentile
from tests.hostile.sending import answer, connected, written
from tests.hostile.server import Server
from tests.unit.runtime.bad.case import Case

RATE = 200.0
CALM_SECONDS = 5.0
HANDS = 2
WARMING = ("sizes", "compression bombs", "memory bombs", "depth bombs", "gRPC", "cancels")
CROWD = 1000

TABLES = (known, json_doors, transport, admin, rpc, leaving, telling, slowly)
ATTACKS: list[Attack] = list(itertools.chain.from_iterable(table.attacks() for table in TABLES))


@dataclass
class Found:
    """Memory in KiB, times in milliseconds. `ends`: by attack, how it ended; an exception as its text."""

    ends: dict[Attack, str] = field(default_factory=dict)
    memory: tuple[int, int] = (0, 0)
    files: tuple[int, int] = (0, 0)
    series: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    calm: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def table(self) -> str:
        """Cases by kind and door, and the figures of the whole run."""
        rows = [["", *DOORS, "all"]]
        for kind in (*KINDS, "all"):
            counts = [_count(kind, door) for door in (*DOORS, "all")]
            rows.append([kind, *(str(count or "") for count in counts)])
        lines = [f"{row[0]:20}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows]
        p99 = [percentile(values, 0.99) for values in (self.calm, self.busy)]
        p50 = [percentile(values, 0.5) for values in (self.calm, self.busy)]
        return "\n".join(
            [
                "",
                *lines,
                f"{len(ATTACKS)} cases in {self.seconds:.0f} s",
                f"resident memory: {self.memory[0]} KiB before, {self.memory[1]} KiB after"
                f" ({self.memory[1] / self.memory[0] - 1:+.1%})",
                f"a client beside them at {RATE:.0f} requests/s: p50 {p50[0]:.2f} -> {p50[1]:.2f} ms,"
                f" p99 {p99[0]:.2f} -> {p99[1]:.2f} ms ({p99[1] / p99[0]:.2f} times)",
                f"series: {len(self.series[0])} -> {len(self.series[1])}",
            ]
        )


def _count(kind: str, door: str) -> int:
    return sum(kind in (each.kind, "all") and door in (each.door, "all") for each in ATTACKS)


def besiege(server: Server) -> Found:
    """What makes a process grow once to warm it up, then every attack, judged."""
    found = Found()
    active = [each for each in ATTACKS if not each.parallel]
    _all(server, [each for each in active if each.kind in WARMING])
    _crowd(server)
    found.calm = _calmly(server)
    found.memory = (server.memory(), 0)
    found.files = (server.files(), 0)
    found.series = (set(server.series()), set())
    began, beside = time.monotonic(), Bystander(server.port, RATE)
    waiting, ends = _waiting(server, [each for each in ATTACKS if each.parallel])
    found.ends = _all(server, active)
    found.busy = beside.end()
    for thread in waiting:
        thread.join()
    found.ends |= ends
    found.seconds = time.monotonic() - began
    _settled(server, found.files[0])
    found.memory = (found.memory[0], server.memory())
    found.files = (found.files[0], server.files())
    found.series = (found.series[0], set(server.series()))
    return found


def _crowd(server: Server) -> None:
    """As many connections at once as the slow clients make."""
    lines = [connected(server.port) for _ in range(CROWD)]
    for line in lines:
        line.sendall(b"POST / HTT")
    time.sleep(0.5)
    for line in lines:
        line.close()


def _calmly(server: Server) -> list[float]:
    beside = Bystander(server.port, RATE)
    time.sleep(CALM_SECONDS)
    return beside.end()


def _waiting(server: Server, attacks: list[Attack]) -> tuple[list[threading.Thread], dict[Attack, str]]:
    ends: dict[Attack, str] = {}

    def act(each: Attack) -> None:
        ends[each] = _end(server, each)

    threads = [threading.Thread(target=act, args=(each,)) for each in attacks]
    for thread in threads:
        thread.start()
    return threads, ends


def _all(server: Server, attacks: list[Attack]) -> dict[Attack, str]:
    """In an order that is the same every time; those that watch the server's work alone, after the others."""
    alone = [each for each in attacks if each.kind == "cancels"]
    others = [each for each in attacks if each.kind != "cancels"]
    with ThreadPoolExecutor(HANDS) as hands:
        ends = dict(zip(others, hands.map(lambda each: _end(server, each), others), strict=True))
    return ends | {each: _end(server, each) for each in alone}


def _end(server: Server, each: Attack) -> str:
    try:
        return each.act(server)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500]


def _settled(server: Server, files: int) -> None:
    """Wait until connections that still linger are closed, and a good request is answered as before."""
    end = time.monotonic() + 10
    while server.files() > files and time.monotonic() < end:
        time.sleep(0.2)
    path, whole = transport.WHOLE["v1"]
    assert answer(server.port, written(Case("", whole, path=path)))[0] == "200"
