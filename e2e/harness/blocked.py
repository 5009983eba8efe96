"""Parts of the cluster that are away for a while, with their data kept: their Service leads nowhere."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.harness.api import ApiServer
from e2e.harness.kinds import SERVICE, Kind

ENDPOINT_SLICE = Kind("apis/discovery.k8s.io/v1", "endpointslices")
NOWHERE = "e2e-blocked"


@contextmanager
def blocked(api: ApiServer, namespace: str, service: str) -> Iterator[None]:
    """New connections to the Service are refused for as long as the context."""
    api.merge(SERVICE, namespace, service, {"spec": {"selector": {NOWHERE: "true"}}})
    try:
        _wait_endpoints(api, namespace, service, some=False)
        yield
    finally:
        api.merge(SERVICE, namespace, service, {"spec": {"selector": {NOWHERE: None}}})
        _wait_endpoints(api, namespace, service, some=True)


def _wait_endpoints(api: ApiServer, namespace: str, service: str, *, some: bool) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        slices = api.all(ENDPOINT_SLICE, namespace, f"kubernetes.io/service-name={service}")
        if some == any(found.get("endpoints") for found in slices):
            return
        time.sleep(0.1)
    raise AssertionError(f"the endpoints of {service} did not change")


def find_process(name: str, folder: Path) -> int | None:
    """The pid of the process called `name` whose command line names something in `folder`."""
    for entry in Path("/proc").iterdir():
        ours = entry.name.isdigit() and _reads(entry / "comm").strip() == name
        if ours and f"{folder}/" in _reads(entry / "cmdline"):
            return int(entry.name)
    return None


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process does nothing for as long as the context: its connections stay open, nobody answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def own_api_server(root: Path) -> int | None:
    """The pid of the API server, where the cluster is our own node on this machine."""
    return find_process("kube-apiserver", root / ".local" / "node")


def _reads(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
