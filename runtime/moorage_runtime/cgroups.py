"""The limits that a container has, as its cgroups tell them, of either version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
# A machine with both versions has the second one in a folder of its own.
_V2_MOUNTS = ("", "unified")
# Version 1 has a number even where there is no limit.
_BYTES = 1 << 60


def folders(controller: str, v1_mounts: tuple[str, ...], root: Path, own: Path) -> Iterator[tuple[int, Path]]:
    """The process's cgroup and all that hold it: (version, folder), those of version 2 first."""
    version1, version2 = _places(controller, read(own))
    for mount in _V2_MOUNTS:
        yield from ((2, folder) for folder in _upwards(root / mount, version2))
    for mount in v1_mounts:
        yield from ((1, folder) for folder in _upwards(root / mount, version1))


def memory(root: Path = ROOT, own: Path = OWN) -> int | None:
    """The memory limit in bytes, None without one; of nested cgroups the narrowest counts."""
    told = (
        read(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
        for version, folder in folders("memory", ("memory",), root, own)
    )
    return min((int(text) for text in told if text.isdigit() and int(text) < _BYTES), default=None)


def read(path: Path) -> str:
    """The text of a small file, "" when it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _places(controller: str, own: str) -> tuple[str, str]:
    """The process's own cgroups of both versions, from lines like `0::/a/b` and `3:cpu,cpuacct:/a/b`."""
    version1 = version2 = "/"
    for line in own.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if number == "0" and not controllers:
            version2 = place
        elif controller in controllers.split(","):
            version1 = place
    return version1, version2


def _upwards(mount: Path, place: str) -> Iterator[Path]:
    """The cgroup and all that hold it. In a container the path may be the host's, and only the mount itself is there;
    `..` in it are cgroups above the container's, which it cannot see."""
    parts = [part for part in PurePosixPath(place).parts if part not in ("/", "..")]
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])
