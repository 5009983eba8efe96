"""The kernel's account: what a server's processes used, and what strangers used of its core."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """MiB of all processes of a server. `proportional` counts a page shared by n processes as 1/n."""

    resident: float
    proportional: float


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes and their ended children have used so far."""
    return sum(map(_process_ticks, pids)) / TICKS


def _process_ticks(pid: int) -> int:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) if fields else 0


def core_seconds(core: int) -> float:
    """What everybody used of one core since the machine started, time stolen by its host included."""
    line = next(line for line in (PROC / "stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    ticks = list(map(int, line.split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def memory(pids: Iterable[int]) -> Memory:
    """The memory of these processes now."""
    resident = proportional = 0
    for pid in pids:
        with suppress(OSError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                resident += int(line.split()[1]) if line.startswith("Rss:") else 0
                proportional += int(line.split()[1]) if line.startswith("Pss:") else 0
    return Memory(resident / 1024, proportional / 1024)


def family(session: int, mark: str) -> list[int]:
    """The live processes of a session, and those that carry a mark in their environment, however they were forked."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and _belongs(pid, session, mark.encode())]


def _belongs(pid: int, session: int, mark: bytes) -> bool:
    fields = _stat(pid)
    if not fields or fields[0] == "Z":
        return False
    with suppress(OSError):
        return int(fields[3]) == session or mark in (PROC / str(pid) / "environ").read_bytes()
    return False


def _stat(pid: int) -> list[str]:
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []
