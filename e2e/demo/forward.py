"""Keeps a Service of the cluster reachable on 127.0.0.1, also after its pods were replaced.

`python -m e2e.demo.forward NAMESPACE SERVICE SERVICE_PORT LOCAL_PORT` runs until the cluster is gone. A plain
port-forward is bound to one pod and ends with it; this one is started again. `... forward close` ends them all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from e2e.demo.workplace import LOCAL, ROOT, kubectl

GIVE_UP_AFTER = 60.0


def keep_open(namespace: str, service: str, service_port: int, local_port: int) -> None:
    """Start the forward in the background, to a pod that the Service selects now, and wait until the port accepts."""
    record = _record(local_port)
    _close(record)
    with (LOCAL / f"forward-{local_port}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "e2e.demo.forward", namespace, service, str(service_port), str(local_port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
        )
    record.write_text(str(process.pid))
    _wait_for(local_port)


def close_all() -> None:
    """End every forward that `keep_open` started."""
    for record in LOCAL.glob("forward-*.pid"):
        _close(record)


def _close(record: Path) -> None:
    if _runs(record):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(record.read_text()), signal.SIGTERM)
        end = time.monotonic() + 5
        while _runs(record) and time.monotonic() < end:
            time.sleep(0.02)
    record.unlink(missing_ok=True)


def _record(local_port: int) -> Path:
    return LOCAL / f"forward-{local_port}.pid"


def _runs(record: Path) -> bool:
    """True while the recorded pid is that of a forward of ours, not of a stranger that got the number later."""
    try:
        command = Path(f"/proc/{int(record.read_text())}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return b"e2e.demo.forward" in command


def _wait_for(port: int, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on 127.0.0.1:{port} after {seconds:.0f} s; see .local/forward-{port}.log")


def _supervise(namespace: str, service: str, service_port: str, local_port: str) -> None:
    """Forward again whenever it ends; stop when it could not be had for a while."""
    cluster = kubectl()
    last_good = time.monotonic()
    while time.monotonic() - last_good < GIVE_UP_AFTER:
        began = time.monotonic()
        arguments = ["port-forward", "-n", namespace, "--address", "127.0.0.1"]
        subprocess.run(
            [cluster.binary, *arguments, f"svc/{service}", f"{local_port}:{service_port}"],
            env=cluster.environment(),
            check=False,
        )
        if time.monotonic() - began > 5:
            last_good = time.monotonic()
        time.sleep(0.5)


if __name__ == "__main__":
    if sys.argv[1:] == ["close"]:
        close_all()
    else:
        _supervise(*sys.argv[1:])
