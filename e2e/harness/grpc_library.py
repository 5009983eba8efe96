"""gRPC's own client for the client's pod, whose image holds none: unpacked on this machine, streamed into the pod."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from e2e.harness.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "locks" / "dev.txt"
LOCAL = ROOT / ".local" / "grpc"
PYTHON = "3.11"
"""Of the runtime's image."""
PACKAGES = ("grpcio", "typing-extensions")
UNPACK = "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall(sys.argv[1])"


def bring(kubectl: Kubectl, namespace: str, pod: str, folder: str) -> None:
    """Lay it into a folder of a running pod (about 20 MB, a second)."""
    inside = ("exec", "-i", "-n", namespace, pod, "--", "python3", "-c", UNPACK, folder)
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as packed:
            packed.add(unpacked(), arcname=".")
        archive.seek(0)
        subprocess.run(
            [kubectl.binary, *inside], stdin=archive, check=True, capture_output=True, timeout=120,
            env=kubectl.environment(),
        )  # fmt: skip


def unpacked() -> Path:
    """The folder of the locked packages for the image's Python, which need not be the one that runs the tests."""
    wanted = locked()
    stamp = LOCAL / "lock.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(LOCAL, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
            listed.write(wanted)
            listed.flush()
            uv = Path(sys.executable).with_name("uv")
            how = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON)
            subprocess.run(
                [uv, "pip", "install", "-q", "--target", LOCAL, *how, "-r", listed.name], check=True, timeout=300
            )
        stamp.write_text(wanted)
    return LOCAL


def locked() -> str:
    """Their lines of the lock, with hashes."""
    return "".join(
        re.findall(rf"^(?:{'|'.join(PACKAGES)})==.*\\\n(?:    --hash=.*\n)+", LOCK.read_text(), re.MULTILINE)
    )
