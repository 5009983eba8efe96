"""What the kernel knows of this process, under the names that every Prometheus client library uses."""

from __future__ import annotations

import os
import platform
import resource
from functools import cache
from pathlib import Path

from moorage_runtime.metrics.exposition import Page

_SELF = Path("/proc/self")
# Fields of /proc/self/stat behind the command's name, which may hold spaces itself.
_USER, _SYSTEM, _STARTED, _VIRTUAL, _RESIDENT = 11, 12, 19, 20, 21


def describe(page: Page) -> None:
    """Add the process's samples; nothing where there is no /proc."""
    page.family("moorage_build_info", "gauge", "The release that runs.").sample(1, _build())
    try:
        fields = (_SELF / "stat").read_text().rpartition(")")[2].split()
        files = len(os.listdir(_SELF / "fd"))
    except OSError:
        return
    ticks = os.sysconf("SC_CLK_TCK")
    cpu = (int(fields[_USER]) + int(fields[_SYSTEM])) / ticks
    page.family("process_cpu_seconds_total", "counter", "CPU time, user and system.").sample(cpu)
    page.family("process_start_time_seconds", "gauge", "When the process began, since the epoch.").sample(
        _boot_time() + int(fields[_STARTED]) / ticks
    )
    page.family("process_virtual_memory_bytes", "gauge", "Virtual memory.").sample(int(fields[_VIRTUAL]))
    page.family("process_resident_memory_bytes", "gauge", "Resident memory.").sample(
        int(fields[_RESIDENT]) * resource.getpagesize()
    )
    page.family("process_open_fds", "gauge", "Open file descriptors.").sample(files)
    page.family("process_max_fds", "gauge", "Most file descriptors that may be open.").sample(
        resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    )


@cache
def _build() -> dict[str, str]:
    from importlib import metadata

    try:
        version = metadata.version("moorage")
    except metadata.PackageNotFoundError:
        version = "unknown"
    return {"version": version, "python": platform.python_version()}


@cache
def _boot_time() -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
