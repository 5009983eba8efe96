"""A subcommand of `moorage` as a person starts it: a process, its ports, and the lines that it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.unit.runtime.pod import RUNTIME, ask

CALL = """
import importlib, sys
sys.exit(importlib.import_module("moorage_runtime.commands." + sys.argv[1]).main(sys.argv[2:]))
"""


class Command:
    """One running subcommand, its ports and what it has printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port, self.admin, self.grpc = free_port(), free_port(), free_port()
        ports = ["--port", str(self.port), "--admin-port", str(self.admin), "--grpc-port", str(self.grpc)]
        name, *rest = arguments
        self.output = folder / "output"
        self.scratch = folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CALL, name, *rest, *ports],
                env={**os.environ, "PYTHONPATH": str(RUNTIME), "TMPDIR": str(self.scratch)},
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )

    def printed(self, until: str, seconds: float = 20) -> str:
        end = time.monotonic() + seconds
        while until not in (text := self.output.read_text()):
            assert time.monotonic() < end, text
            assert self.process.poll() is None, text
            time.sleep(0.02)
        return text

    def end(self) -> int:
        """Ctrl-C; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def get(self, path: str) -> tuple[int, Any]:
        status, _, body = ask(self.port, "GET", path)
        return status, json.loads(body)

    def order(self, path: str) -> tuple[int, Any]:
        status, _, body = ask(self.admin, "POST", path)
        return status, json.loads(body)
