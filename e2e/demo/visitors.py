"""Visitors of the demo: a pod that asks at an even rate, over the Service, as any client of the cluster would."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from e2e.demo.patients import Patients
from e2e.harness.kubectl import Kubectl
from e2e.harness.traffic import SCRIPT, client_pod

HERE = Path(__file__).parent
RATE = 100
BODIES = "bodies.json"


@dataclass(frozen=True, slots=True)
class Moment:
    """Half a second: `at` (seconds since 1970), answers by version, failed requests, latencies in milliseconds."""

    at: float
    answers: dict[str, int]
    failed: int
    p50: float
    p99: float


@dataclass
class Visitors:
    """Running visitors. `moments` grows while they run; `total` counts answers by version, and `failed`."""

    process: subprocess.Popen[str]
    moments: list[Moment] = field(default_factory=list)
    total: dict[str, int] = field(default_factory=dict)

    def read(self) -> None:
        """Take in what the pod says, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            self.moments.append(
                Moment(told["at"], told["answers"], told["failed"], told["p50Millis"], told["p99Millis"])
            )
            for version, count in (*told["answers"].items(), ("failed", told["failed"])):
                self.total[version] = self.total.get(version, 0) + count

    def leave(self, seconds: float = 20.0) -> None:
        """No more visits; waits for the last line."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(seconds)


def arrive(cluster: Kubectl, namespace: str, url: str, patients: Patients) -> Visitors:
    """Make the pod, wait until it runs, and let the visitors come."""
    scripts = {"traffic.py": SCRIPT.read_text(), "visitors.py": (HERE / "visitors_in_pod.py").read_text()}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "traffic"},
        "data": {**scripts, BODIES: json.dumps(_bodies(patients))},
    }
    cluster.run("apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-", text=json.dumps(config_map))
    cluster.run("delete", "-n", namespace, "pod", "client", "--ignore-not-found", "--wait=true", seconds=60)
    pod = {"apiVersion": "v1", "kind": "Pod", **client_pod()}
    cluster.run("apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    cluster.run("wait", "-n", namespace, "--for=condition=Ready", "pod/client", "--timeout=60s", seconds=70)
    inside = ["python3", "/traffic/visitors.py", "--url", url, "--bodies", f"/traffic/{BODIES}", "--rate", str(RATE)]
    visitors = Visitors(cluster.start("exec", "-i", "-n", namespace, "client", "--", *inside))
    threading.Thread(target=visitors.read, daemon=True).start()
    _wait_for_the_first(visitors)
    return visitors


def _wait_for_the_first(visitors: Visitors, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not visitors.moments:
        if time.monotonic() > until or visitors.process.poll() is not None:
            raise TimeoutError("no visitor came")
        time.sleep(0.1)


def _bodies(patients: Patients) -> list[str]:
    """One V2 request for each held-out patient."""
    rows = patients.held_out.to_numpy().astype(float)
    return [
        json.dumps({"inputs": [{"name": "X", "shape": [1, len(row)], "datatype": "FP32", "data": list(row)}]})
        for row in rows
    ]
