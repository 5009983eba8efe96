"""The operator inside the cluster, as `kubectl apply -k` leaves it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import DEPLOYMENT, POD
from e2e.harness.kubectl import Kubectl

NAMESPACE = "moorage-system"
NAME = "moorage-operator"


class Installed:
    """Install, pause and look at the operator."""

    LOGS: ClassVar = ("logs", "-n", NAMESPACE, f"deployment/{NAME}", "--all-pods", "--tail=40")

    def __init__(self, api: ApiServer, kubectl: Kubectl, overlay: Path) -> None:
        self.api, self.kubectl, self.overlay = api, kubectl, overlay

    def ensure(self) -> None:
        """Apply the overlay (harmless when it is applied already) and wait until the operator is available."""
        self.kubectl.run("apply", "--server-side", "--force-conflicts", "-k", str(self.overlay))
        self._wait_available()

    def restarts(self) -> int:
        """How often its containers were started again, all pods together."""
        statuses = [s for pod in self._pods() for s in pod.get("status", {}).get("containerStatuses", [])]
        return sum(status["restartCount"] for status in statuses)

    @contextmanager
    def away(self) -> Iterator[None]:
        """No operator in the cluster for as long as the context."""
        replicas = self.api.get(DEPLOYMENT, NAMESPACE, NAME)["spec"]["replicas"]
        self._scale(0)
        until = time.monotonic() + 60
        while self._pods():
            assert time.monotonic() < until, "the operator's pods did not go away"
            time.sleep(0.2)
        try:
            yield
        finally:
            self._scale(replicas or 1)
            self._wait_available()

    def _scale(self, replicas: int) -> None:
        self.api.merge(DEPLOYMENT, NAMESPACE, NAME, {"spec": {"replicas": replicas}}, "scale")

    def _wait_available(self) -> None:
        # Not the condition Available: pods with the settings of before are as good to that.
        self.kubectl.run("rollout", "status", "-n", NAMESPACE, f"deployment/{NAME}", "--timeout=120s", seconds=130)

    def _pods(self) -> list[Object]:
        return self.api.all(POD, NAMESPACE, f"app.kubernetes.io/name={NAME}")
