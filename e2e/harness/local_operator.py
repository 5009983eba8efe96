"""Operators as processes of this machine, so that they can be killed at an exact moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NURSERY = Path(__file__).with_name("nursery.py")


@dataclass
class Nursery:
    """The parent of all operators of one test."""

    process: subprocess.Popen[str]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, order: dict[str, Any]) -> int:
        """A new operator's pid."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            return int(self.process.stdout.readline())


@contextmanager
def nursery(root: Path) -> Iterator[Nursery]:
    """A nursery for as long as the context; operators that still live die with it."""
    path = os.pathsep.join([str(root / "operator"), str(root / "runtime")])
    # Relative paths: the Kubernetes client reads the first once, on import; every operator has a folder of its own.
    own = {"PYTHONPATH": path, "KUBECONFIG": "kubeconfig", "MOORAGE_SETTINGS": "settings.yaml"}
    environment = {**os.environ, **own}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, str(NURSERY)], text=True, env=environment, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline().strip() == "ready", "the operator cannot be imported"
        yield Nursery(process)
        process.stdin.close()
        process.wait(10)


class LocalOperator:
    """One operator that speaks to the API server at `url`, serves one namespace, and is started again on demand."""

    def __init__(self, parent: Nursery, folder: Path, url: str, settings: dict[str, Any], *arguments: str) -> None:
        self.parent, self.folder, self.arguments = parent, folder, arguments
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "operator.log"
        (folder / "kubeconfig").write_text(yaml.safe_dump(plain_kubeconfig(url)))
        (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
        self.pid = 0

    def start(self, **environment: str) -> None:
        """Start it; the one before must be dead."""
        order = {"environment": environment, "folder": str(self.folder), "arguments": self.arguments}
        self.pid = self.parent.start(order)

    def kill(self) -> None:
        """SIGKILL, now."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Any signal; nothing happens when it is dead."""
        with suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, number)

    @property
    def alive(self) -> bool:
        """Whether the process runs (an ended one that nobody collected does not)."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def wait_gone(self, seconds: float) -> float:
        """Seconds until the process was gone; fails after `seconds`."""
        begin = time.monotonic()
        while self.alive:
            assert time.monotonic() - begin < seconds, f"the operator still lives after {seconds} s"
            time.sleep(0.005)
        return time.monotonic() - begin


def plain_kubeconfig(url: str) -> dict[str, Any]:
    """A kubeconfig for the fault proxy: plain HTTP on the loopback, the proxy brings the credentials."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": url}}],
        "users": [{"name": "operator", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "operator"}}],
        "current-context": "proxy",
    }
