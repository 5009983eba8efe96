"""An OCI image archive from folders, without a daemon or a registry."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failure import ClusterFailure

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MEDIA = "application/vnd.oci.image"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Start:
    """How a container of the image starts."""

    entrypoint: tuple[str, ...] = ()
    user: str = ""
    env: tuple[str, ...] = (DEFAULT_PATH,)


@dataclass(frozen=True)
class _Blob:
    digest: str
    size: int

    def described(self, kind: str) -> dict[str, Any]:
        return {"mediaType": f"{_MEDIA}.{kind}", "digest": f"sha256:{self.digest}", "size": self.size}


def pack(target: Path, reference: str, layers: Sequence[Path], start: Start) -> None:
    """Write the archive of an image whose layers are these folders, undermost first."""
    tars = [_layer(folder, target.with_name(f"layer-{number}.tar")) for number, folder in enumerate(layers)]
    blobs = [_blob(tar) for tar in tars]
    config = _json(_config(start, [blob.digest for blob in blobs]))
    manifest = _json(_manifest(config, blobs))
    with tarfile.open(target, "w") as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(archive, "index.json", _json(_index(reference, manifest)))
        for document in (config, manifest):
            _add(archive, f"blobs/sha256/{_digest(document)}", document)
        for tar, blob in zip(tars, blobs, strict=True):
            archive.add(tar, f"blobs/sha256/{blob.digest}")
            tar.unlink()


def _layer(folder: Path, tar: Path) -> Path:
    # No --mtime: compiled Python files remember the time of their source.
    words = ["tar", "--numeric-owner", "--sort=name", "-C", str(folder), "-cf", str(tar), "."]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterFailure(f"tar could not pack {folder}: {done.stderr.strip()[-500:]}")
    return tar


def _config(start: Start, diff_ids: Sequence[str]) -> dict[str, Any]:
    run: dict[str, Any] = {"Env": list(start.env), "WorkingDir": "/"}
    if start.entrypoint:
        run["Entrypoint"] = list(start.entrypoint)
    if start.user:
        run["User"] = start.user
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in diff_ids]},
        # buildah refuses to build upon an image with fewer lines of history than layers.
        "history": [{"created_by": "moorage"} for _ in diff_ids],
    }


def _manifest(config: bytes, blobs: Sequence[_Blob]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": _Blob(_digest(config), len(config)).described("config.v1+json"),
        "layers": [blob.described("layer.v1.tar") for blob in blobs],
    }


def _index(reference: str, manifest: bytes) -> dict[str, Any]:
    entry = _Blob(_digest(manifest), len(manifest)).described("manifest.v1+json")
    entry["platform"] = {"architecture": "amd64", "os": "linux"}
    # containerd names the image by the first, other tools by the second.
    entry["annotations"] = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference,
    }
    return {"schemaVersion": 2, "manifests": [entry]}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _blob(path: Path) -> _Blob:
    whole = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            whole.update(chunk)
    return _Blob(whole.hexdigest(), path.stat().st_size)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
