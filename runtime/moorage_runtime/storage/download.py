"""The init container's work as one recipe: list, check, fetch, verify, identify, publish."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from moorage_runtime import artifact
from moorage_runtime.config import RouteTable, RuntimeConfig, decode_routes
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import classlabels, digest, formats, reasons
from moorage_runtime.storage.landing import Landing, disk_faults
from moorage_runtime.storage.retry import Deadline, Retry
from moorage_runtime.storage.sources import open_store
from moorage_runtime.storage.store import Entry, Store, survey

log = logging.getLogger(__name__)


def download(config: RuntimeConfig, places: Places) -> artifact.Manifest:
    """Bring the configured artifact to `places.model_dir`, whole and verified, and describe it.

    Raises `ArtifactFault` with a reason of `storage.reasons`. What was fetched stays for the next try, unless it is
    itself what is wrong.
    """
    expected = _expected(config, places)
    present = _reuse(config, places.model_dir, expected)
    if present is not None:
        log.info("artifact already present", extra={"digest": present.digest})
        return present
    retry = Retry(Deadline(config.limits.download_seconds))
    store = retry.run(lambda: open_store(config.source, places.credentials_dir))
    entries = retry.run(lambda: survey(store, config.limits))
    landing = Landing(places.model_dir)
    with disk_faults("the model folder"):
        landing.open(entries)
        _fetch_all(store, entries, landing, retry)
        return _accept(config, entries, landing, expected)


def _fetch_all(store: Store, entries: Sequence[Entry], landing: Landing, retry: Retry) -> None:
    for entry in entries:
        retry.run(
            lambda entry=entry: landing.receive(entry, store.fetch),  # type: ignore[misc]
            progress=lambda entry=entry: landing.reached(entry),  # type: ignore[misc]
        )


def _accept(
    config: RuntimeConfig, entries: Sequence[Entry], landing: Landing, expected: str | None
) -> artifact.Manifest:
    found = landing.digest(entries)
    if expected is not None and found != expected:
        landing.discard()
        raise _mismatch(expected, found)
    # Asked while the files still lie where the next try looks for them: a refusal must not cost a second download.
    mlmodel = next((landing.whole(entry) for entry in entries if entry.path == formats.MLMODEL), None)
    identity = formats.identify(mlmodel, [entry.path for entry in entries], config.model_format)
    model = next(entry for entry in entries if entry.path == identity.model_file)
    classes = classlabels.read(landing.whole(model))
    landing.assemble(entries)
    manifest = artifact.Manifest(
        uri=config.source.uri,
        digest=found,
        bytes=sum(entry.size for entry in entries),
        files=len(entries),
        model_format=identity.model_format,
        model_file=identity.model_file,
        example=identity.example,
        signature=identity.signature,
        classes=classes,
    )
    landing.publish(manifest)
    return manifest


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
