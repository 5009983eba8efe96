"""The cluster on a machine without Docker: prepare, start, fill and end our own node."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import debs, dockerfile, gobuild, images, parts, pki, volumes
from .cache import Cache
from .images import Archive
from .kubectl import Kubectl
from .layout import Layout
from .node import START_SECONDS, Node
from .progress import say, step

PART_IMAGES = parts.PartImages(images.METRICS_SERVER.reference, images.VERSITYGW.reference, dockerfile.MLFLOW.reference)


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
        self._import([*needed[1:], *self._recorded()])
        with step("parts ready (names, metrics, S3, MLflow)"):
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
            built = list(pool.map(self._image, images.OWN_IMAGES))
        record = {archive.reference: [archive.key, str(archive.path)] for archive in built}
        self.layout.local.mkdir(exist_ok=True)
        self.layout.images.write_text(json.dumps(record, indent=1))
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

    def _ingredients(self) -> list[Archive]:
        """Make everything that the node and its parts are made of; the pause image comes first."""
        install_missing_tools()
        for program in gobuild.PROGRAMS:
            with step(f"{program.name} (Go)", quiet_below=0.5):
                gobuild.binaries(program, self.cache)
        with step("containerd and etcd (Debian)", quiet_below=0.5):
            debs.daemons(self.cache)
        packed = [images.of_program(image, self.cache) for image in images.PROGRAM_IMAGES]
        return [*packed, self._image(dockerfile.MLFLOW)]

    def _image(self, recipe: dockerfile.Recipe) -> Archive:
        with step(f"image {recipe.reference}", quiet_below=0.5):
            return images.of_recipe(recipe, self.cache)

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

    def _recorded(self) -> list[Archive]:
        if not self.layout.images.exists():
            return []
        record = json.loads(self.layout.images.read_text())
        archives = [Archive(name, key, Path(path)) for name, (key, path) in record.items()]
        return [archive for archive in archives if archive.path.exists()]

    def _import(self, archives: list[Archive]) -> None:
        """Import the images that the node does not have in this very form."""
        record = self.layout.node / "imported.json"
        present = json.loads(record.read_text()) if record.exists() else {}
        for archive in archives:
            if present.get(archive.reference) != archive.key:
                with step(f"import {archive.reference}"):
                    self.node.import_image(debs.daemons(self.cache), archive.path)
                present[archive.reference] = archive.key
                record.write_text(json.dumps(present, indent=1))


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
