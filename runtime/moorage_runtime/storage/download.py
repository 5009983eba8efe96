"""The init container's work as one recipe: list, check, fetch what tells most, check, fetch, verify, publish."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from moorage_runtime import artifact
from moorage_runtime.config import RouteTable, RuntimeConfig, Schema, decode_routes
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import classlabels, digest, formats, preflight, reasons, signatures
from moorage_runtime.storage.graph import Graph
from moorage_runtime.storage.graph import read as read_graph
from moorage_runtime.storage.landing import Landing, disk_faults
from moorage_runtime.storage.retry import Deadline, Retry
from moorage_runtime.storage.sources import open_store
from moorage_runtime.storage.store import Entry, Store, survey

log = logging.getLogger(__name__)


class _Examined(msgspec.Struct, frozen=True):
    """What the artifact turned out to be, from its MLmodel and the head of its model file."""

    identity: formats.Identity
    graph: Graph


class _Fetch:
    """One download under way: what is listed, where it lands, how often it is tried."""

    def __init__(
        self, config: RuntimeConfig, entries: Sequence[Entry], store: Store, landing: Landing, retry: Retry
    ) -> None:
        self._config, self._store, self._retry = config, store, retry
        self.entries, self.landing = entries, landing

    def all(self) -> None:
        """Fetch what is not here yet."""
        for entry in self.entries:
            self.one(entry)

    def one(self, entry: Entry) -> Path:
        """Fetch one file, unless it is here; where it lies."""
        self._retry.run(
            lambda: self.landing.receive(entry, self._store.fetch),
            progress=lambda: self.landing.reached(entry),
        )
        return self.landing.whole(entry)

    def examine(self, memory: int | None) -> _Examined:
        """Fetch the MLmodel, then the model file, and refuse at the earliest what could not be served."""
        mlmodel = next((self.one(entry) for entry in self.entries if entry.path == formats.MLMODEL), None)
        identity = formats.identify(mlmodel, [entry.path for entry in self.entries], self._config.model_format)
        model = next(entry for entry in self.entries if entry.path == identity.model_file)
        preflight.size(model, (), memory)
        graph = _read(self.one(model), identity.model_file)
        preflight.runs(graph, identity.model_file)
        preflight.size(model, preflight.beside(graph, identity.model_file, self.entries), memory)
        return _Examined(identity, graph)


def download(config: RuntimeConfig, places: Places, memory: int | None = None) -> artifact.Manifest:
    """Bring the configured artifact to `places.model_dir`, whole and verified, and describe it.

    `memory`: what the serving container may use, in bytes. Raises `ArtifactFault` with a reason of `storage.reasons`.
    What was fetched stays for the next try, unless it is itself what is wrong.
    """
    expected = _expected(config, places)
    present = _reuse(config, places.model_dir, expected)
    if present is not None:
        log.info("artifact already present", extra={"digest": present.digest})
        return present
    retry = Retry(Deadline(config.limits.download_seconds))
    store = retry.run(lambda: open_store(config.source, places.credentials_dir))
    entries = retry.run(lambda: survey(store, config.limits))
    fetch = _Fetch(config, entries, store, Landing(places.model_dir), retry)
    with disk_faults("the model folder"):
        fetch.landing.open(entries)
        preflight.room(entries, sum(map(fetch.landing.reached, entries)), places.model_dir)
        return _accept(config, fetch, expected, memory)


def _accept(config: RuntimeConfig, fetch: _Fetch, expected: str | None, memory: int | None) -> artifact.Manifest:
    """Fetch, verify, publish. Where a digest is pinned it has the first word: whatever else is wrong with other
    content, that it is other content is what is wrong.
    """
    # Both are asked while the files lie where the next try looks for them: a refusal must not cost a second download.
    examined = fetch.examine(memory) if expected is None else None
    fetch.all()
    found = fetch.landing.digest(fetch.entries)
    if expected is not None and found != expected:
        fetch.landing.discard()
        raise _mismatch(expected, found)
    manifest = _manifest(config, fetch, examined or fetch.examine(memory), found)
    fetch.landing.assemble(fetch.entries)
    fetch.landing.publish(manifest)
    return manifest


def _manifest(config: RuntimeConfig, fetch: _Fetch, examined: _Examined, found: str) -> artifact.Manifest:
    identity = examined.identity
    model = next(entry for entry in fetch.entries if entry.path == identity.model_file)
    classes = classlabels.read(fetch.landing.whole(model))
    return artifact.Manifest(
        uri=config.source.uri,
        digest=found,
        bytes=sum(entry.size for entry in fetch.entries),
        files=len(fetch.entries),
        model_format=identity.model_format,
        model_file=identity.model_file,
        example=identity.example,
        signature=identity.signature,
        classes=classes,
        model_schema=Schema(
            inputs=examined.graph.inputs,
            outputs=examined.graph.outputs,
            features=signatures.features(identity.signature),
            classes=classes,
        ),
    )


def _read(model: Path, name: str) -> Graph:
    try:
        return read_graph(model)
    except (ValueError, UnicodeDecodeError) as error:
        raise reasons.refuse(
            reasons.ARTIFACT_CORRUPT,
            f"{name} is no whole ONNX model ({error}); save the model again and register it as a new version",
        ) from error


def _expected(config: RuntimeConfig, places: Places) -> str | None:
    """The user's pin, else what the operator pinned when this revision was first loaded."""
    if config.digest is not None:
        return config.digest
    route = _routes(places.routes_file).revisions.get(config.revision)
    return route.digest if route else None


def _routes(path: Path) -> RouteTable:
    try:
        return decode_routes(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return RouteTable(generation=0, revisions={})


def _reuse(config: RuntimeConfig, model_dir: Path, expected: str | None) -> artifact.Manifest | None:
    """The artifact that an earlier run in this pod left, if it still is what it was; else nothing is left of it."""
    manifest = artifact.read_manifest(model_dir)
    folder = artifact.tree(model_dir)
    if manifest is not None and manifest.uri == config.source.uri:
        hashes = {path: digest.of_file(folder / path) for path in _files(folder)}
        if digest.of_hashes(hashes) == manifest.digest and expected in (None, manifest.digest):
            return manifest
    (model_dir / artifact.MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _files(folder: Path) -> list[str]:
    return [
        os.path.relpath(os.path.join(parent, name), folder) for parent, _, names in os.walk(folder) for name in names
    ]


def _mismatch(expected: str, found: str) -> ArtifactFault:
    return reasons.refuse(
        reasons.DIGEST_MISMATCH,
        f"the artifact is {found}, expected {expected}: it changed under the same version. "
        "Register it as a new version, or set spec.model.digest to the new digest if the change is meant",
    )
