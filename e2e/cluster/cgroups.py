"""The control groups of a node: named after its first process, removed when that is gone."""

import contextlib
import time
from pathlib import Path

from . import guardians
from .progress import say

ROOT = Path("/sys/fs/cgroup")
PREFIX = "moorage-"


def name(pid: int) -> str:
    """Return the name of the cgroup of the node whose `unshare` has this process id."""
    return f"{PREFIX}{pid}"


def remove_orphans(root: Path = ROOT, proc: Path = Path("/proc"), patience: float = 5.0) -> None:
    """Remove the cgroups of nodes that no longer run, whichever clone had started them.

    For `patience` seconds it waits for last processes that are still on their way out.
    """
    deadline = time.monotonic() + patience
    while left := [folder for folder in _orphans(root, proc) if not _removed(folder)]:
        if time.monotonic() > deadline:
            say(f"  could not remove {', '.join(map(str, left))}: a process is still in it")
            return
        time.sleep(0.1)


def _orphans(root: Path, proc: Path) -> list[Path]:
    folders = [*root.glob(f"{PREFIX}[0-9]*"), *root.glob(f"*/{PREFIX}[0-9]*")]
    return [folder for folder in folders if not guardians.lives(int(folder.name.removeprefix(PREFIX)), proc)]


def _removed(folder: Path) -> bool:
    deepest_first = sorted((p for p in folder.rglob("*") if p.is_dir()), key=lambda p: -len(p.parts))
    for group in [*deepest_first, folder]:
        with contextlib.suppress(OSError):
            group.rmdir()
    return not folder.exists()
