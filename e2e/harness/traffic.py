"""Traffic from a pod in the cluster: the same on every cluster, and on the path that real clients take."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.harness import grpc_library
from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import CONFIG_MAP, NAMESPACE, POD
from e2e.harness.kubectl import Kubectl
from e2e.harness.patrol import SCRIPT as PATROL_SCRIPT
from e2e.harness.patrol import Patrol, plan

IMAGE = "localhost/moorage-runtime:dev"
SCRIPT = Path(__file__).with_name("traffic_in_pod.py")
LIBRARY = "/library"
"""Where the client's pod has what its image has not."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answers of one version: how many, and when the first and the last were asked for (seconds since 1970)."""

    count: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Report:
    """One run of load. `quiet`: the longest time without any answer, since when (seconds since 1970) and how long."""

    sent: int
    failed: int
    failures: tuple[Object, ...]
    versions: dict[str, Seen]
    p50_millis: float
    p99_millis: float
    most_millis: float
    quiet: tuple[float, float]


@dataclass
class Stretch:
    """Equal answers in a row. `answer`: a version, or `!` and what went wrong."""

    answer: str
    asked: float
    at: float


@dataclass
class Probe:
    """A running probe: the stretches so far grow while it runs."""

    process: subprocess.Popen[str]
    stretches: list[Stretch] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ended: float = 0.0

    def first(self, version: str, seconds: float) -> float:
        """When `version` answered first (seconds since 1970); waits at most `seconds` for it."""
        until = time.time() + seconds
        while time.time() < until:
            for stretch in self.stretches:
                if stretch.answer == version:
                    return stretch.at
            time.sleep(0.02)
        raise AssertionError(f"version {version} did not answer in {seconds} s; answers so far: {self.stretches}")

    def last_other(self, version: str) -> float:
        """When something else than `version` was asked for last before `version` answered alone."""
        index = max((i for i, s in enumerate(self.stretches) if s.answer != version), default=-1)
        return self.stretches[index + 1].asked if index + 1 < len(self.stretches) else float("inf")

    def read(self) -> None:
        """Take in what the pod says, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "answer" in told:
                self.stretches.append(Stretch(**told))
            else:
                self.counts, self.ended = told["counts"], told["end"]


class Load:
    """A running load: `stop` ends it and gives the report."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def stop(self, seconds: float = 120) -> Report:
        """No more than what `least` asks for; then the report."""
        out, err = self.process.communicate("", timeout=seconds)
        if not out.strip():
            raise AssertionError(f"the load gave no report: {err}")
        told = json.loads(out.strip().splitlines()[-1])
        versions = {name: Seen(**seen) for name, seen in told["versions"].items()}
        failures = tuple(told["failures"])
        millis = (told["p50Millis"], told["p99Millis"], told["mostMillis"])
        return Report(told["sent"], told["failed"], failures, versions, *millis, tuple(told["quiet"]))


class Traffic:
    """The client pod."""

    def __init__(self, api: ApiServer, kubectl: Kubectl, namespace: str) -> None:
        self.api, self.kubectl, self.namespace = api, kubectl, namespace
        self.has_library = False

    def open(self) -> None:
        """Make the pod and wait until it runs."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.api.create(NAMESPACE, None, {"metadata": {"name": self.namespace, "labels": labels}})
        scripts = {"traffic.py": SCRIPT.read_text(), "patrol.py": PATROL_SCRIPT.read_text()}
        script = {"metadata": {"name": "traffic"}, "data": scripts}
        self.api.create(CONFIG_MAP, self.namespace, script)
        self.api.create(POD, self.namespace, client_pod())
        self.kubectl.run(
            "wait", "-n", self.namespace, "--for=condition=Ready", "pod/client", "--timeout=60s", seconds=70
        )

    def close(self) -> None:
        """Remove the pod with its namespace."""
        self.api.delete(NAMESPACE, None, self.namespace)

    @contextmanager
    def probe(self, url: str, body: str, seconds: float = 300, pause: float = 0.03) -> Iterator[Probe]:
        """Ask again and again on new connections for as long as the context."""
        process = self._start("probe", url, body, "--seconds", str(seconds), "--pause", str(pause))
        running = Probe(process)
        reader = threading.Thread(target=running.read, daemon=True)
        reader.start()
        try:
            yield running
        finally:
            assert process.stdin is not None
            process.stdin.close()
            reader.join(20)
            process.kill()
            process.wait()

    def load(
        self, url: str, body: str, *, least: int = 1, connections: int = 8, seconds: float = 300, pause: float = 0.0
    ) -> Load:
        """Start load over keep-alive connections; the caller stops it."""
        bounds = ["--least", str(least), "--connections", str(connections), "--seconds", str(seconds)]
        return Load(self._start("load", url, body, *bounds, "--pause", str(pause)))

    def patrol(self, model: str, namespace: str, *, rate: float = 50, seconds: float = 300) -> Patrol:
        """Start asking a deployment's model at an even rate about every patient, door by door; the caller stops it."""
        if not self.has_library:
            grpc_library.bring(self.kubectl, self.namespace, "client", LIBRARY)
            self.has_library = True
        inside = ("exec", "-i", "-n", self.namespace, "client", "--", "python3", "/traffic/patrol.py")
        process = self.kubectl.start(*inside)
        assert process.stdin is not None
        host = f"{model}.{namespace}.svc.cluster.local"
        process.stdin.write(plan(model, host, rate=rate, seconds=seconds))
        process.stdin.flush()
        return Patrol(process)

    def ask(self, url: str, body: str = "") -> tuple[int, dict[str, str], Any]:
        """One request: status, headers, JSON body."""
        code = (
            "import asyncio, json, sys; sys.path.insert(0, '/traffic'); import traffic;"
            "print(json.dumps((lambda a: [a[0], a[1], a[2].decode()])"
            "(asyncio.run(traffic.Connection(sys.argv[1], sys.argv[2], True).ask()))))"
        )
        out = self.kubectl.run("exec", "-n", self.namespace, "client", "--", "python3", "-c", code, url, body)
        status, headers, text = json.loads(out)
        return status, headers, json.loads(text) if text[:1] in ("{", "[") else text

    def _start(self, mode: str, url: str, body: str, *options: str) -> subprocess.Popen[str]:
        inside = ["python3", "/traffic/traffic.py", mode, "--url", url, "--body", body, *options]
        return self.kubectl.start("exec", "-i", "-n", self.namespace, "client", "--", *inside)


def client_pod() -> Object:
    """A restricted pod that sleeps; the runtime's image has all that the scripts need but gRPC's client."""
    container = {
        "name": "client",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", "import time; time.sleep(7200)"],
        "env": [{"name": "PYTHONPATH", "value": LIBRARY}],
        "volumeMounts": [{"name": "traffic", "mountPath": "/traffic"}, {"name": "library", "mountPath": LIBRARY}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {"name": "client"},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "traffic", "configMap": {"name": "traffic"}}, {"name": "library", "emptyDir": {}}],
        },
    }
