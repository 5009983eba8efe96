"""The cluster on a machine without Docker: prepare, start, fill and end our own node."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import debs, gobuild, images, parts, pki, stock, volumes
from .cache import Cache
from .kubectl import Kubectl
from .layout import Layout
from .node import START_SECONDS, Node
from .ociimage import Image
from .progress import say, step
from .stages import Builder, Recipe

PART_IMAGES = parts.PartImages(
    images.METRICS_SERVER.reference,
    images.VERSITYGW.reference,
    images.MLFLOW.reference,
    images.PROMETHEUS.reference,
)


class OwnNode:
    """A cluster of one node that this program builds and runs itself."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.cache = Cache(layout.cache)
        self.node = Node(layout.node)
        self.kubectl = Kubectl(layout.kubectl, layout.kubeconfig)

    def up(self) -> None:
        """Bring the cluster up, or put right what a running one lacks."""
        needed = self._ingredients()
        if self.node.running():
            say("  the node runs already")
        else:
            self._start()
        self._open()
        self._import(needed[:1])
        self._fill_first()
        self._import([*needed[1:], *stock.recorded(self.layout.images)])
        with step("parts ready (names, metrics, S3, MLflow, Prometheus)"):
            parts.apply(self.kubectl, PART_IMAGES)
            parts.await_ready(self.kubectl)

    def down(self) -> None:
        """End the node and remove what it leaves."""
        with step("node down"):
            self.node.stop()
        self.layout.kubeconfig.unlink(missing_ok=True)

    def images(self) -> None:
        """Build the project's own images; a running cluster gets them at once."""
        install_missing_tools()
        with ThreadPoolExecutor() as pool:
            built = list(pool.map(self._image, images.OWN))
        self.layout.local.mkdir(exist_ok=True)
        stock.record(self.layout.images, built)
        if self.node.running():
            self._import(built)

    def status(self) -> bool:
        """Say whether the cluster runs."""
        if not self.node.running():
            say("The cluster does not run.")
            return False
        say(f"The cluster runs: KUBECONFIG={self.layout.kubeconfig}")
        say(self.kubectl.run("get", "nodes,deployments", "--all-namespaces").rstrip())
        return True

    def _ingredients(self) -> list[Image]:
        """Make everything that the node and its parts are made of; the pause image comes first."""
        install_missing_tools()
        for program in gobuild.PROGRAMS:
            with step(f"{program.name} (Go)", quiet_below=0.5):
                gobuild.binaries(program, self.cache)
        with step("containerd, etcd and Prometheus (Debian)", quiet_below=0.5):
            debs.daemons(self.cache)
            images.PROMETHEUS.make(self.cache)
        return [*(program.make(self.cache) for program in images.PROGRAMS), self._image(images.MLFLOW)]

    def _image(self, recipe: Recipe) -> Image:
        with step(f"image {recipe.reference}", quiet_below=0.5):
            return Builder(recipe, self.cache).build()

    def _start(self) -> None:
        # Remains of a node that was killed, or that ended with the machine.
        self.node.stop()
        with step("node started"):
            self.node.start(self._kubernetes(), debs.daemons(self.cache))

    def _kubernetes(self) -> Path:
        return gobuild.binaries(gobuild.KUBERNETES, self.cache)

    def _open(self) -> None:
        """Write what a person needs to speak to the cluster: the kubeconfig and a kubectl."""
        port = self.node.open_port()
        text = pki.kubeconfig(self.layout.node / "pki", "admin", f"https://127.0.0.1:{port}")
        _write_private(self.layout.kubeconfig, text)
        self.layout.kubectl.parent.mkdir(exist_ok=True)
        fresh = self.layout.kubectl.with_name(".kubectl")
        shutil.copy2(self._kubernetes() / "kubectl", fresh)
        fresh.replace(self.layout.kubectl)

    def _fill_first(self) -> None:
        with step("Kubernetes answers", quiet_below=0.5):
            self.kubectl.await_node(START_SECONDS)
        volumes.provide(self.kubectl, self.layout.node / "volumes")
        self.kubectl.apply(parts.manifest("coredns"))

    def _import(self, wanted: list[Image]) -> None:
        """Import the images that the node does not have in this very form."""
        shelf = stock.Shelf(self.layout.node / "imported.json")
        for image in wanted:
            if not shelf.has(image):
                with step(f"import {image.reference}"):
                    self.node.import_image(debs.daemons(self.cache), image, shelf.layers())
                shelf.add(image)


def install_missing_tools() -> None:
    """Install what apt has to give, if anything is missing."""
    missing = debs.missing_tools()
    if missing:
        with step(f"apt-get install {' '.join(missing)}"):
            debs.install_tools(missing)


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
