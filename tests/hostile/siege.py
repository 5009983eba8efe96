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
HEAVY = ("sizes", "compression bombs", "memory bombs", "depth bombs", "cancels")
CROWD = 1000

TABLES = (known, json_doors, transport, admin, rpc, leaving, telling, slowly)
ATTACKS: list[Attack] = list(itertools.chain.from_iterable(table.attacks() for table in TABLES))


@dataclass
class Found:
    """Memory in KiB, times in milliseconds: `calm` alone, `beside` small attacks (False) and `HEAVY` ones (True).

    `ends`: by attack, how it ended; an exception as its text.
    """

    ends: dict[Attack, str] = field(default_factory=dict)
    memory: tuple[int, int] = (0, 0)
    files: tuple[int, int] = (0, 0)
    series: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    calm: list[float] = field(default_factory=list)
    beside: dict[bool, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def table(self) -> str:
        """Cases by kind and door, and the figures of the whole run."""
        rows = [["", *DOORS, "all"]]
        for kind in (*KINDS, "all"):
            counts = [_count(kind, door) for door in (*DOORS, "all")]
            rows.append([kind, *(str(count or "") for count in counts)])
        lines = [f"{row[0]:20}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows]
        return "\n".join(
            [
                "",
                *lines,
                f"{len(ATTACKS)} cases in {self.seconds:.0f} s",
                f"resident memory: {self.memory[0]} KiB before, {self.memory[1]} KiB after"
                f" ({self.memory[1] / self.memory[0] - 1:+.1%})",
                self._waited("small ones", self.beside[False]),
                self._waited("megabytes", self.beside[True]),
                f"series: {len(self.series[0])} -> {len(self.series[1])}",
            ]
        )

    def _waited(self, what: str, busy: list[float]) -> str:
        p50, p99 = ([percentile(values, share) for values in (self.calm, busy)] for share in (0.5, 0.99))
        return (
            f"a client at {RATE:.0f} requests/s beside {what}: p50 {p50[0]:.2f} -> {p50[1]:.2f} ms,"
            f" p99 {p99[0]:.2f} -> {p99[1]:.2f} ms ({p99[1] / p99[0]:.2f} times)"
        )


def _count(kind: str, door: str) -> int:
    return sum(kind in (each.kind, "all") and door in (each.door, "all") for each in ATTACKS)


def besiege(server: Server) -> Found:
    """Every attack that needs no patience once, to warm the process up; then all of them, judged."""
    found = Found()
    active = [each for each in ATTACKS if not each.parallel]
    _warm(server, active)
    found.calm = _calmly(server)
    found.memory = (server.memory(), 0)
    found.files = (server.files(), 0)
    found.series = (set(server.series()), set())
    began = time.monotonic()
    waiting, ends = _waiting(server, [each for each in ATTACKS if each.parallel])
    for heavy in (False, True):
        beside = Bystander(server.port, RATE)
        found.ends |= _all(server, [each for each in active if (each.kind in HEAVY) is heavy])
        found.beside[heavy] = beside.end()
    for thread in waiting:
        thread.join()
    found.ends |= ends
    found.seconds = time.monotonic() - began
    _settled(server, found.files[0])
    found.memory = (found.memory[0], server.memory(found.memory[0] * 1.05, 45))
    found.files = (found.files[0], server.files())
    found.series = (found.series[0], set(server.series()))
    return found


def _warm(server: Server, attacks: list[Attack]) -> None:
    """What makes it grow most twice: what was freed lies in places where it may not fit again."""
    for some in (attacks, [each for each in attacks if each.kind in WARMING]):
        _all(server, some)
        _crowd(server)


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
