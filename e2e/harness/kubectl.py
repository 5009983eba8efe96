"""kubectl as a user has it: applied manifests, exec, logs, port-forward."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One kubectl binary with one kubeconfig."""

    binary: Path
    kubeconfig: Path

    def run(self, *arguments: str, text: str | None = None, check: bool = True, seconds: float = 60) -> str:
        """Run and give stdout; `text` goes to stdin. Raises `CalledProcessError`, whose notes hold stderr."""
        done = subprocess.run(
            [self.binary, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment(),
            check=False,
        )
        if check and done.returncode:
            error = subprocess.CalledProcessError(done.returncode, ["kubectl", *arguments], done.stdout, done.stderr)
            error.add_note(done.stderr)
            raise error
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start and give the process: stdin, stdout and stderr are pipes."""
        return subprocess.Popen(
            [self.binary, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        """The environment in which any kubectl uses this cluster."""
        # A websocket whose ping is late once, as on a busy machine, is dead; the older protocol pings nobody.
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}

    @contextmanager
    def forward(self, namespace: str, target: str, port: int) -> Iterator[str]:
        """`host:port` on this machine, forwarded to `port` of `target` (as svc/NAME) for as long as the context."""
        process = self.start("port-forward", "-n", namespace, "--address", "127.0.0.1", target, f":{port}")
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"(127\.0\.0\.1:\d+)", line)
            if found is None:
                assert process.stderr is not None
                raise RuntimeError(f"port-forward to {target} said: {line}{process.stderr.read()}")
            yield found.group(1)
        finally:
            process.terminate()
            process.wait(10)
