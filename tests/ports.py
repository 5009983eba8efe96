"""Ports for servers that must be told theirs before they start."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

# Below what Linux gives to outgoing connections by itself: those of other tests take such a port at any moment.
FIRST, LAST = 20_000, 29_999
LEDGER = Path(tempfile.gettempdir()) / "moorage-ports"


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, and which nobody who asks here is given before all others were."""
    return free_ports(1)


def free_ports(wanted: int, ledger: Path = LEDGER) -> int:
    """The first of so many such ports in a row. `ledger`: holds what was given last, to whatever process.

    Raises RuntimeError when all are taken.
    """
    with ledger.open("a+") as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        shared.seek(0)
        last = int(shared.read() or LAST)
        for tried in range(LAST - FIRST):
            first = FIRST + (last + 1 + tried - FIRST) % (LAST - FIRST)
            ports = range(first, first + wanted)
            if ports[-1] <= LAST and all(map(_is_free, ports)):
                shared.truncate(0)
                shared.write(str(ports[-1]))
                return first
    raise RuntimeError(f"no {wanted} free ports in a row from {FIRST} to {LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
