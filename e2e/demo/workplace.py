"""Where the demo works: this clone's cluster and its kubectl."""

from __future__ import annotations

from pathlib import Path

from e2e.harness.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"


def kubectl() -> Kubectl:
    """The kubectl of the local cluster."""
    return Kubectl(LOCAL / "bin" / "kubectl", LOCAL / "kubeconfig")
