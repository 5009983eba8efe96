"""`python -m e2e.workbench.compiled`: the runtime as a pod has it, its hot path compiled; prints the folder."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path

from e2e.cluster.cache import Cache, fingerprint
from e2e.cluster.layout import discover

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "runtime" / "moorage_runtime", ROOT / "runtime" / "compiled.txt", ROOT / "runtime" / "compile.py")
LOCK = ROOT / "locks" / "dev.txt"


def runtime() -> Path:
    """The folder for Python's path, made now if the sources are new (about a minute). Raises CalledProcessError."""

    def build(target: Path) -> None:
        print("workbench: compiling the runtime's hot path", file=sys.stderr, flush=True)
        command = (sys.executable, SOURCES[-1], target)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            print(done.stdout, file=sys.stderr, flush=True)
        done.check_returncode()
        # As in the image: no start has to do it.
        compileall.compile_dir(target, quiet=1)

    return Cache(discover(os.environ).cache).make(
        "compiled", fingerprint(*SOURCES, Path(__file__), LOCK, sys.version), build
    )


if __name__ == "__main__":
    print(runtime())
