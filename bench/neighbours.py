"""What a client that behaves notices of hostile ones: its p50 and p99 alone, and beside each kind of attack.

    python -m bench.neighbours [--seconds 5] [--kinds KIND ...] [--paces N ...]

The server has core 0 to itself. The client that behaves and the hostile ones share core 1, where the latter run only
while the former has nothing to do (SCHED_IDLE): what it waits for is the server, not their Python. Attacks of all kinds
come in a fixed mixed order, so many a second; then each kind's are repeated without a pause until the time is over.
Those that wait more than they work are left out, for they leave the server idle.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from random import Random

from tests.hostile.attack import KINDS, Attack
from tests.hostile.bystander import Bystander, percentile
from tests.hostile.server import Server
from tests.hostile.siege import ATTACKS, RATE

SERVER_CORE, CLIENTS_CORE = 0, 1
HANDS = 2
PACES = (10.0, 20.0, 50.0, 100.0)
ENDLESS = float("inf")
HEAD = "attacks/s | p50 ms alone | beside | p99 ms alone | beside | p99 ratio |"


@contextmanager
def besieged(server: Server, attacks: list[Attack], pace: float = ENDLESS) -> Iterator[list[int]]:
    """Attackers at work, `pace` attacks a second all together at most. Gives a list that holds in the end how many
    attacks each of them made.
    """
    over = threading.Event()
    made: list[int] = []

    def act(hand: int) -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        count, began = 0, time.monotonic()
        for attack in cycle(attacks[hand::HANDS] or attacks):
            if over.wait(max(0.0, began + count * HANDS / pace - time.monotonic())):
                break
            with suppress(Exception):
                attack.act(server)
            count += 1
        made.append(count)

    threads = [threading.Thread(target=act, args=(hand,)) for hand in range(HANDS)] if attacks else []
    for thread in threads:
        thread.start()
    yield made
    over.set()
    for thread in threads:
        thread.join()


def waited(server: Server, attacks: list[Attack], seconds: float, pace: float = ENDLESS) -> tuple[float, float, int]:
    """Milliseconds: p50, p99 of the client that behaves; and the attacks that were made meanwhile."""
    with besieged(server, attacks, pace) as made:
        beside = Bystander(server.port, RATE)
        time.sleep(seconds)
        found = beside.end()
    return percentile(found, 0.5), percentile(found, 0.99), sum(made)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="beside each kind")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--paces", nargs="*", type=float, default=list(PACES), help="attacks of all kinds a second")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            server.wait()
            os.sched_setaffinity(server.process.pid, {SERVER_CORE})
            os.sched_setaffinity(0, {CLIENTS_CORE})
            waited(server, [], 1.0)
            tell_paces(server, asked.paces, asked.seconds)
            tell_kinds(server, asked.kinds, asked.seconds)
        finally:
            server.kill()


def tell_paces(server: Server, paces: list[float], seconds: float) -> None:
    """Print a line for each pace, over so many seconds that each attack comes once."""
    attacks = [each for each in ATTACKS if not each.parallel]
    Random(1).shuffle(attacks)  # noqa: S311 - an order, not a secret
    print(f"| all kinds | {HEAD}\n| --- | --- | --- | --- | --- | --- | --- |")
    for pace in paces:
        tell(f"{pace:.0f} a second", server, attacks, max(seconds, len(attacks) / pace), pace)
    print()


def tell_kinds(server: Server, kinds: list[str], seconds: float) -> None:
    """Print a line for each kind."""
    print(f"| without a pause | {HEAD}\n| --- | --- | --- | --- | --- | --- | --- |")
    for kind in kinds:
        attacks = [each for each in ATTACKS if each.kind == kind and not each.parallel]
        if attacks:
            tell(kind, server, attacks, seconds)


def tell(title: str, server: Server, attacks: list[Attack], seconds: float, pace: float = ENDLESS) -> None:
    """Print what the client that behaves notices, with a measurement without attackers right before it."""
    calm = waited(server, [], seconds)
    busy = waited(server, attacks, seconds, pace)
    figures = f"{calm[0]:.2f} | {busy[0]:.2f} | {calm[1]:.2f} | {busy[1]:.2f} | {busy[1] / calm[1]:.2f}"
    print(f"| {title} | {busy[2] / seconds:.0f} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
