"""What a revision was when it was born: the immutable part of a ControllerRevision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One revision's pod template exactly as rendered at its birth, and what it serves.

    `rebuilt`: the template was read back from a live Deployment, so it also holds what the API server filled in.
    """

    revision: str
    version: str
    artifact_uri: str
    storage_uri: str
    template: Mapping[str, Any]
    rebuilt: bool = False
