"""`python3 -m e2e.workbench`: make .local/venv what locks/dev.txt says; a second call does nothing.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".local" / "venv"
STAMP = VENV / "moorage-lock"
INPUTS = ("locks/bootstrap.txt", "locks/dev.txt", "pyproject.toml")


def wanted() -> str:
    """The fingerprint of everything that shapes the environment."""
    text = b"".join((ROOT / name).read_bytes() for name in INPUTS)
    return hashlib.sha256(text + sys.version.encode()).hexdigest()


def run(*command: str | Path) -> None:
    """Run one step, quiet unless it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"workbench: {' '.join(map(str, command))}\n{done.stdout}")


def ensure_venv_module() -> None:
    """Debian ships Python without ensurepip: bring the package that has it."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        if os.geteuid() or not shutil.which("apt-get"):
            sys.exit("workbench: this Python has no ensurepip; install the package python3-venv")
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv")


def build() -> None:
    """Make the environment anew: the bootstrap installer first, then every locked package, then this project."""
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    python = VENV / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--require-hashes", "-r", "locks/bootstrap.txt")
    uv = VENV / "bin" / "uv"
    run(
        uv, "pip", "install", "-q", "-p", python, "--require-hashes", "-r", "locks/bootstrap.txt", "-r", "locks/dev.txt"
    )
    run(uv, "pip", "install", "-q", "-p", python, "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(wanted())


def main() -> None:
    """Build only when the stamp is not the wanted one."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything has checked
        sys.exit(f"workbench: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    if STAMP.exists() and STAMP.read_text() == wanted():
        return
    print("workbench: installing locks/dev.txt into .local/venv", flush=True)
    ensure_venv_module()
    build()


if __name__ == "__main__":
    main()
