"""How many threads a pod may keep busy: the CPU limit of its cgroup, not the cores of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

UNLIMITED_THREADS = 4
# Where the CPU controller of version 1 is mounted, by the distribution's taste.
_V1_MOUNTS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")
# A machine with both versions has the second one here.
_V2_MOUNTS = ("", "unified")


def threads(cgroup: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Whole CPUs of the limit, at least 1; of nested cgroups the narrowest limit counts.

    Without a limit: the CPUs that this process may run on, at most 4, as a pod without a limit is a guest on its node.
    A fraction is rounded down: a thread too many would be stopped in the middle of a run, for want of quota.
    """
    limit = min(_limits(cgroup, _text(own)), default=None)
    usable = len(os.sched_getaffinity(0))
    return max(1, min(usable, UNLIMITED_THREADS if limit is None else int(limit)))


def _limits(cgroup: Path, own: str) -> Iterator[float]:
    version1, version2 = _places(own)
    for mount in _V2_MOUNTS:
        for folder in _upwards(cgroup / mount, version2):
            yield from _v2(folder)
    for mount in _V1_MOUNTS:
        for folder in _upwards(cgroup / mount, version1):
            yield from _v1(folder)


def _places(own: str) -> tuple[str, str]:
    """The process's own cgroups of both versions, from lines like `0::/a/b` and `3:cpu,cpuacct:/a/b`."""
    version1 = version2 = "/"
    for line in own.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if number == "0" and not controllers:
            version2 = place
        elif "cpu" in controllers.split(","):
            version1 = place
    return version1, version2


def _upwards(mount: Path, place: str) -> Iterator[Path]:
    """The cgroup and all that hold it. In a container the path may be the host's, and only the mount itself is there;
    `..` in it are cgroups above the container's, which it cannot see."""
    parts = [part for part in PurePosixPath(place).parts if part not in ("/", "..")]
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])


def _v2(folder: Path) -> Iterator[float]:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    yield from _ratio(quota, period)


def _v1(folder: Path) -> Iterator[float]:
    yield from _ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> Iterator[float]:
    if quota.isdigit() and period.isdigit() and int(period):
        yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
