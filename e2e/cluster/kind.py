"""The same cluster where a Docker engine runs: by kind, with the very same Dockerfiles."""

import json
import shutil
from pathlib import Path

from . import images, parts, preflight
from .command import run, succeeds
from .kubectl import Kubectl
from .layout import Layout
from .progress import say, step
from .stages import REPOSITORY, Recipe

CLUSTER = "moorage"
KIND = "sigs.k8s.io/kind@v0.33.0"
READY_SECONDS = 180.0
PART_IMAGES = parts.PartImages(
    "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
    "docker.io/versity/versitygw:v1.8.0",
    images.MLFLOW.reference,
    "docker.io/prom/prometheus:v2.53.3",
)


def docker_runs() -> bool:
    """Tell whether a Docker engine answers."""
    return shutil.which("docker") is not None and succeeds(["docker", "info"])


def problems() -> list[str]:
    """Return why kind cannot run here."""
    if shutil.which("kind") or preflight.go_version():
        return []
    return ["Neither kind nor Go (to build kind with) is on PATH: install one of them."]


class Kind:
    """A cluster of one node that kind runs in Docker."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.kubectl = Kubectl(layout.kubectl, layout.kubeconfig)

    def up(self) -> None:
        """Bring the cluster up, or put right what a running one lacks."""
        if not self._running():
            # The API server writes its audit log there, as that of our own node does.
            (self.layout.node / "log").mkdir(parents=True, exist_ok=True)
            with step("kind cluster"):
                self._kind("create", "cluster", "--name", CLUSTER, "--config", str(REPOSITORY / "kind-config.yaml"))
        self._kind("export", "kubeconfig", "--name", CLUSTER)
        self.layout.kubectl.parent.mkdir(parents=True, exist_ok=True)
        run(["docker", "cp", f"{CLUSTER}-control-plane:/usr/bin/kubectl", self.layout.kubectl])
        self._build(images.MLFLOW)
        self._load([images.MLFLOW, *self._recorded()])
        self.kubectl.await_node(READY_SECONDS)
        with step("parts ready (names, metrics, S3, MLflow, Prometheus)"):
            parts.apply(self.kubectl, PART_IMAGES)
            parts.await_ready(self.kubectl)

    def down(self) -> None:
        """Delete the cluster."""
        with step("kind cluster deleted"):
            self._kind("delete", "cluster", "--name", CLUSTER)
        self.layout.kubeconfig.unlink(missing_ok=True)

    def images(self) -> None:
        """Build the project's own images; a running cluster gets them at once."""
        for recipe in images.OWN:
            self._build(recipe)
        self.layout.images.parent.mkdir(exist_ok=True)
        self.layout.images.write_text(json.dumps([recipe.reference for recipe in images.OWN]))
        if self._running():
            self._load(list(images.OWN))

    def status(self) -> bool:
        """Say whether the cluster runs."""
        if not self._running():
            say("The cluster does not run.")
            return False
        say(f"The cluster runs: KUBECONFIG={self.layout.kubeconfig}")
        say(self.kubectl.run("get", "nodes,deployments", "--all-namespaces").rstrip())
        return True

    def _recorded(self) -> list[Recipe]:
        return list(images.OWN) if self.layout.images.exists() else []

    def _running(self) -> bool:
        return CLUSTER in self._kind("get", "clusters").split()

    def _build(self, recipe: Recipe) -> None:
        with step(f"image {recipe.reference}"):
            run(["docker", "build", "-q", "-t", recipe.reference, "-f", REPOSITORY / recipe.dockerfile, REPOSITORY])

    def _load(self, recipes: list[Recipe]) -> None:
        with step("images loaded"):
            self._kind("load", "docker-image", "--name", CLUSTER, *(recipe.reference for recipe in recipes))

    def _kind(self, *words: str) -> str:
        # The configuration names folders of the repository relative to its top.
        return run([self._binary(), *words], cwd=REPOSITORY, env={"KUBECONFIG": str(self.layout.kubeconfig)})

    def _binary(self) -> str | Path:
        """Return kind from PATH, else built into the state folder."""
        found = shutil.which("kind") or self.layout.local / "bin" / "kind"
        if not Path(found).exists():
            with step("kind (Go)"):
                run(["go", "install", KIND], env={"GOBIN": str(self.layout.local / "bin")})
        return found
