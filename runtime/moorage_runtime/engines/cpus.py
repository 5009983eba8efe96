"""How many threads a pod may keep busy: the CPU limit of its cgroup, not the cores of the machine."""

from __future__ import annotations

import os
from pathlib import Path

UNLIMITED_THREADS = 4


def threads(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Whole CPUs of the limit, at least 1.

    Without a limit: the CPUs that this process may run on, at most 4, as a pod without a limit is a guest on its node.
    """
    limit = _v2(cgroup / "cpu.max") or _v1(cgroup / "cpu" / "cpu.cfs_quota_us", cgroup / "cpu" / "cpu.cfs_period_us")
    usable = len(os.sched_getaffinity(0))
    return max(1, min(int(limit), usable) if limit else min(usable, UNLIMITED_THREADS))


def _v2(path: Path) -> float | None:
    quota, _, period = _text(path).partition(" ")
    return _ratio(quota, period)


def _v1(quota: Path, period: Path) -> float | None:
    return _ratio(_text(quota), _text(period))


def _ratio(quota: str, period: str) -> float | None:
    if not quota.isdigit() or not period.isdigit() or not int(period):
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
