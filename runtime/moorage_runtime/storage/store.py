"""What a store must be able to do, and what it says about a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from moorage_runtime.config import Limits
from moorage_runtime.storage import paths, reasons


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the artifact as the store lists it.

    `path` is relative to the artifact, `size` in bytes; `tag` changes when the content does ("" if the store has
    none); `key` is the store's own name for it, where that is not the path.
    """

    path: str
    size: int
    tag: str = ""
    key: str = ""


class Store(Protocol):
    """A place that artifacts are read from. Every method raises `ArtifactFault`, with a reason of `storage.reasons`."""

    def entries(self) -> Iterable[Entry]:
        """The artifact's files, in any order, possibly endless: the reader stops at its limits."""
        ...

    def fetch(self, entry: Entry, part: Path) -> None:
        """Bring `part` up to the content of `entry`; bytes already in it are its beginning, from an earlier try."""
        ...


def survey(store: Store, limits: Limits) -> Sequence[Entry]:
    """List the artifact and hold it against the limits, before the first byte of content is asked for."""
    listed: list[Entry] = []
    for entry in store.entries():
        listed.append(entry)
        if len(listed) > limits.artifact_files:
            raise reasons.refuse(
                reasons.TOO_MANY_FILES,
                f"the artifact has more than {limits.artifact_files} files; register only the model's own files",
            )
        paths.checked(entry.path)
    if not listed:
        raise reasons.refuse(reasons.ARTIFACT_NOT_FOUND, "the artifact has no files; check the URI in spec.model")
    _check_bytes(sum(entry.size for entry in listed), len(listed), limits)
    paths.check_tree(entry.path for entry in listed)
    return sorted(listed, key=lambda entry: entry.path.encode())


def _check_bytes(total: int, files: int, limits: Limits) -> None:
    if total > limits.artifact_bytes:
        raise reasons.refuse(
            reasons.ARTIFACT_TOO_LARGE,
            f"the artifact has {total} bytes in {files} file{'s' if files > 1 else ''}, and at most "
            f"{limits.artifact_bytes} are allowed; register only what the model needs, or ask the platform team for a "
            "higher limit",
        )
