"""OCI images put together from folders, and written as an archive, without a daemon or a registry."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .command import run

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MEDIA = "application/vnd.oci.image"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Start:
    """How a container of the image starts; `env` holds NAME=value."""

    entrypoint: tuple[str, ...] = ()
    user: str = ""
    workdir: str = "/"
    env: tuple[str, ...] = (f"PATH={DEFAULT_PATH}",)


@dataclass(frozen=True)
class Layer:
    """A layer packed as a tar, known by its sha256."""

    tar: Path
    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """A name, the layers (undermost first), and how it starts."""

    reference: str
    layers: tuple[Layer, ...]
    start: Start

    @property
    def digest(self) -> str:
        """What names this content, whatever it is called."""
        return _digest(_json(_manifest(self)))

    @property
    def size(self) -> int:
        """Bytes of all layers, uncompressed."""
        return sum(layer.size for layer in self.layers)


def pack(folder: Path, target: Path) -> None:
    """Pack a folder as a layer: `target` becomes a folder with the tar and its digest."""
    target.mkdir()
    tar = target / "layer.tar"
    # No --mtime: compiled Python files remember the time of their source.
    run(["tar", "--numeric-owner", "--owner=0", "--group=0", "--sort=name", "-C", folder, "-cf", tar, "."])
    (target / "digest").write_text(_file_digest(tar))


def packed(folder: Path) -> Layer:
    """Return the layer that `pack` left in this folder."""
    tar = folder / "layer.tar"
    return Layer(tar, (folder / "digest").read_text(), tar.stat().st_size)


def write(stream: IO[bytes], image: Image, without: Collection[str] = ()) -> None:
    """Write the image as an OCI archive, leaving out layers that the reader has (by digest)."""
    config, manifest = _json(_config(image)), _json(_manifest(image))
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(archive, "index.json", _json(_index(image.reference, manifest)))
        for document in (config, manifest):
            _add(archive, f"blobs/sha256/{_digest(document)}", document)
        for layer in image.layers:
            if layer.digest not in without:
                archive.add(layer.tar, f"blobs/sha256/{layer.digest}")


def _config(image: Image) -> dict[str, Any]:
    start = image.start
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": list(start.env),
            "WorkingDir": start.workdir,
            "User": start.user,
            "Entrypoint": list(start.entrypoint),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in image.layers]},
    }


def _manifest(image: Image) -> dict[str, Any]:
    config = _json(_config(image))
    return {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": _described("config.v1+json", _digest(config), len(config)),
        "layers": [_described("layer.v1.tar", layer.digest, layer.size) for layer in image.layers],
    }


def _index(reference: str, manifest: bytes) -> dict[str, Any]:
    entry = _described("manifest.v1+json", _digest(manifest), len(manifest))
    entry["platform"] = {"architecture": "amd64", "os": "linux"}
    # containerd names the image by the first, other tools by the second.
    entry["annotations"] = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference,
    }
    return {"schemaVersion": 2, "manifests": [entry]}


def _described(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{_MEDIA}.{kind}", "digest": f"sha256:{digest}", "size": size}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _file_digest(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
