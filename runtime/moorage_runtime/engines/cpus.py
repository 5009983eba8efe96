"""How many threads a pod may keep busy: the CPU limit of its cgroup, not the cores of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from moorage_runtime import cgroups

UNLIMITED_THREADS = 4
# Where the CPU controller of version 1 is mounted, by the distribution's taste.
_V1_MOUNTS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


def threads(cgroup: Path = cgroups.ROOT, own: Path = cgroups.OWN) -> int:
    """Whole CPUs of the limit, at least 1; of nested cgroups the narrowest limit counts.

    Without a limit: the CPUs that this process may run on, at most 4, as a pod without a limit is a guest on its node.
    A fraction is rounded down: a thread too many would be stopped in the middle of a run, for want of quota.
    """
    limit = min(_limits(cgroup, own), default=None)
    usable = len(os.sched_getaffinity(0))
    return max(1, min(usable, UNLIMITED_THREADS if limit is None else int(limit)))


def _limits(cgroup: Path, own: Path) -> Iterator[float]:
    for version, folder in cgroups.folders("cpu", _V1_MOUNTS, cgroup, own):
        yield from _v2(folder) if version == 2 else _v1(folder)


def _v2(folder: Path) -> Iterator[float]:
    quota, _, period = cgroups.read(folder / "cpu.max").partition(" ")
    yield from _ratio(quota, period)


def _v1(folder: Path) -> Iterator[float]:
    yield from _ratio(cgroups.read(folder / "cpu.cfs_quota_us"), cgroups.read(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> Iterator[float]:
    if quota.isdigit() and period.isdigit() and int(period):
        yield int(quota) / int(period)
