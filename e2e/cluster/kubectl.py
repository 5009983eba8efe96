"""The cluster seen through kubectl: apply, look, wait."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .command import run
from .failure import ClusterFailure


@dataclass(frozen=True)
class Kubectl:
    """A kubectl binary and the kubeconfig it uses."""

    binary: Path
    kubeconfig: Path

    def run(self, *words: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run one command and return what it prints. Raises ClusterFailure."""
        return run([self.binary, "--kubeconfig", self.kubeconfig, *words], stdin=stdin, timeout=timeout)

    def apply(self, text: str) -> None:
        """Apply manifests server-side; what others have changed is put right."""
        manager = ["--server-side", "--force-conflicts", "--field-manager=moorage-cluster"]
        self.run("apply", *manager, "-f", "-", stdin=text)

    def apply_objects(self, objects: Sequence[Mapping[str, Any]]) -> None:
        self.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def items(self, resource: str, *words: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        found: list[dict[str, Any]] = json.loads(self.run("get", resource, *words, "-o", "json"))["items"]
        return found

    def answers(self) -> bool:
        """Tell whether the API server says that it is ready."""
        try:
            return self.run("get", "--raw", "/readyz", timeout=10).strip() == "ok"
        except ClusterFailure:
            return False

    def await_node(self, seconds: float) -> None:
        """Wait until the API server is ready and a node has come. Raises ClusterFailure."""
        deadline = time.monotonic() + seconds
        while not (self.answers() and self.items("nodes")):
            if time.monotonic() > deadline:
                raise ClusterFailure(f"The API server is not ready after {seconds:.0f} s.")
            time.sleep(0.2)

    def await_rollout(self, namespace: str, deployment: str, seconds: int) -> None:
        """Wait until all pods of a Deployment are ready. Raises ClusterFailure with what its pods say."""
        words = ("rollout", "status", f"deployment/{deployment}", "-n", namespace, f"--timeout={seconds}s")
        try:
            self.run(*words, timeout=seconds + 10)
        except ClusterFailure as error:
            pods = self.run("get", "pods", "-n", namespace, "-o", "wide")
            raise ClusterFailure(f"{deployment} does not become ready:\n{pods}") from error
