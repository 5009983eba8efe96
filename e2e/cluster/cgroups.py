"""The control groups of a node: named after its first process, removed when that is gone."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PREFIX = "moorage-"


def name(pid: int) -> str:
    """Return the name of the cgroup of the node whose `unshare` has this process id."""
    return f"{PREFIX}{pid}"


def remove_orphans(root: Path = ROOT, proc: Path = Path("/proc")) -> None:
    """Remove the cgroups of nodes that no longer run, whichever clone had started them."""
    for folder in [*root.glob(f"{PREFIX}*"), *root.glob(f"*/{PREFIX}*")]:
        if not _runs(proc / folder.name.removeprefix(PREFIX)):
            _remove(folder)


def _runs(process: Path) -> bool:
    try:
        return (process / "comm").read_text().strip() == "unshare"
    except OSError:
        return False


def _remove(folder: Path) -> None:
    deepest_first = sorted((p for p in folder.rglob("*") if p.is_dir()), key=lambda p: -len(p.parts))
    for group in [*deepest_first, folder]:
        try:
            group.rmdir()
        except OSError:
            # A last process may still be on its way out; the next `up` or `down` comes by again.
            return
