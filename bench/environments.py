"""One virtual environment per peer, exactly as its lock says; and the load generators, from Debian."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.cluster import debs
from e2e.cluster.cache import locked

from .places import CACHE, ENVIRONMENTS, LOCKS

GENERATORS = {"wrk": "wrk", "h2load": "nghttp2-client"}
UV = Path(sys.executable).with_name("uv")


class Unavailable(Exception):
    """A peer that cannot be installed here; the message says why."""


def python(peer: str) -> Path:
    """The interpreter of a peer's environment, made now if its lock is new; "" is this one. Raises Unavailable."""
    if not peer:
        return Path(sys.executable)
    folder = ENVIRONMENTS / peer
    lock = LOCKS / f"{peer}.txt"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "lock"
    with locked(CACHE / "locks" / f"{peer}.lock"):
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"bench: installing {lock.name}", flush=True)
            _install(folder, lock)
            stamp.write_text(wanted)
    return folder / "bin" / "python"


def _install(folder: Path, lock: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(UV, "venv", "-q", "--python", sys.executable, folder)
    _run(UV, "pip", "install", "-q", "-p", folder / "bin" / "python", "--require-hashes", "-r", lock)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Unavailable(done.stdout.strip()[-300:])


def ensure_generators() -> None:
    """Install wrk and h2load by apt where they are missing."""
    missing = [package for tool, package in GENERATORS.items() if not shutil.which(tool)]
    if missing:
        print(f"bench: installing {' '.join(missing)}", flush=True)
        debs.install_tools(missing)
