"""Which images were built for this clone, and which of them the running node has."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .ociimage import Image, Layer, Start


def record(file: Path, built: Sequence[Image]) -> None:
    """Remember the project's own images, for a cluster that comes up later."""
    file.write_text(json.dumps([_written(image) for image in built], indent=1))


def recorded(file: Path) -> list[Image]:
    """Return the images remembered in `file` whose layers are still in the cache."""
    documents = json.loads(file.read_text()) if file.exists() else []
    images = [_read(document) for document in documents]
    return [image for image in images if all(layer.tar.exists() for layer in image.layers)]


def _written(image: Image) -> dict[str, Any]:
    return {
        "reference": image.reference,
        "layers": [[str(layer.tar), layer.digest, layer.size] for layer in image.layers],
        "start": [list(image.start.entrypoint), image.start.user, image.start.workdir, list(image.start.env)],
    }


def _read(document: dict[str, Any]) -> Image:
    entrypoint, user, workdir, env = document["start"]
    layers = tuple(Layer(Path(tar), digest, size) for tar, digest, size in document["layers"])
    return Image(document["reference"], layers, Start(tuple(entrypoint), user, workdir, tuple(env)))


class Shelf:
    """What a running node holds, as a file beside it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._held: dict[str, Any] = {"images": {}, "layers": []}
        if file.exists():
            self._held = json.loads(file.read_text())

    def has(self, image: Image) -> bool:
        """Tell whether the node has the image under its name with this very content."""
        held: bool = self._held["images"].get(image.reference) == image.digest
        return held

    def layers(self) -> frozenset[str]:
        """Return the digests of the layers that have travelled to the node."""
        return frozenset(self._held["layers"])

    def add(self, image: Image) -> None:
        """Remember that the image has come to the node."""
        self._held["images"][image.reference] = image.digest
        self._held["layers"] = sorted(self.layers() | {layer.digest for layer in image.layers})
        self.file.write_text(json.dumps(self._held, indent=1))
