"""What must be true before anything starts; each "no" is one sentence that says what to do."""

import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import debs, gobuild
from .cache import Cache
from .command import run
from .failure import ClusterFailure
from .layout import Layout
from .node import Node

# What the newest of the go.mod files asks for.
GO_NEEDED = (1, 26, 4)
GIB = 1 << 30
COLD_GIB = 12
WARM_GIB = 3
MEMORY_GIB = 5


@dataclass(frozen=True)
class Machine:
    """What there is of a machine, and what is still to be made on it."""

    system: str
    machine: str
    root: bool
    release: str
    apt: bool
    tools_missing: bool
    go: tuple[int, ...] | None
    go_needed: bool
    free_gib: float
    memory_gib: float
    cache: str
    running: bool


def problems(machine: Machine) -> list[str]:
    """Return why our own node cannot run here; empty when it can."""
    if machine.system != "Linux":
        return [f"The local cluster needs Linux, or a running Docker engine; this is {machine.system}."]
    checks = (_architecture, _root, _release, _apt, _go, *(() if machine.running else (_disk, _memory)))
    return [sentence for check in checks if (sentence := check(machine))]


def _architecture(machine: Machine) -> str:
    if machine.machine == "x86_64":
        return ""
    return f"Without Docker the local cluster needs an x86_64 machine; this one is {machine.machine}."


def _root(machine: Machine) -> str:
    if machine.root:
        return ""
    return "Without Docker the local cluster needs root: run the command with sudo, or start a Docker engine."


def _release(machine: Machine) -> str:
    if machine.release == debs.MACHINE_RELEASE:
        return ""
    found = machine.release or "something else"
    return f"Without Docker the local cluster needs Debian 12 (bookworm); this is {found}: start a Docker engine."


def _apt(machine: Machine) -> str:
    if machine.apt or not machine.tools_missing:
        return ""
    return "apt-get is not to be found, and tools of the local cluster are still to be installed with it."


def _go(machine: Machine) -> str:
    wanted = ".".join(map(str, GO_NEEDED))
    if not machine.go_needed:
        return ""
    if machine.go is None:
        return f"Go is not to be found: install Go {wanted} or newer and put it on PATH, Kubernetes is built with it."
    if machine.go < GO_NEEDED:
        found = ".".join(map(str, machine.go))
        return f"Go {found} is too old to build Kubernetes: install Go {wanted} or newer."
    return ""


def _disk(machine: Machine) -> str:
    needed = COLD_GIB if machine.go_needed else WARM_GIB
    if machine.free_gib >= needed:
        return ""
    return (
        f"{machine.free_gib:.1f} GiB are free under {machine.cache} and {needed} GiB are needed: "
        "make room, or let MOORAGE_CACHE name a folder with more."
    )


def _memory(machine: Machine) -> str:
    if machine.memory_gib >= MEMORY_GIB:
        return ""
    return f"{machine.memory_gib:.1f} GiB of memory are available and {MEMORY_GIB} GiB are needed."


def problems_of_ending(root: bool) -> list[str]:
    """Return why a node cannot be ended or looked at by this user."""
    return [] if root else ["The node belongs to root: run the command with sudo."]


def look(layout: Layout, cache: Cache) -> Machine:
    """Look at this machine."""
    apt = shutil.which("apt-get") is not None
    return Machine(
        system=platform.system(),
        machine=platform.machine(),
        root=os.geteuid() == 0,
        release=_codename(),
        apt=apt,
        tools_missing=_tools_missing(),
        go=go_version(),
        go_needed=bool(gobuild.missing(cache)),
        free_gib=_free(layout.cache) / GIB,
        memory_gib=_memory_available() / GIB,
        cache=str(layout.cache),
        running=Node(layout.node).running(),
    )


def go_version() -> tuple[int, ...] | None:
    """Return the version of Go on PATH, or None."""
    try:
        shown = run(["go", "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}, timeout=30)
    except ClusterFailure:
        return None
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", shown)
    return tuple(int(number) for number in found.groups() if number) if found else None


def _codename() -> str:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.M)
    return found[1] if found else ""


def _tools_missing() -> bool:
    try:
        return bool(debs.missing_tools())
    except ClusterFailure:
        return True


def _free(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def _memory_available() -> int:
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
