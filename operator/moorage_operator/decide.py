"""The middle's one door: from a live look at the world to the writes and the status that follow from it."""

from __future__ import annotations

from moorage_operator.api.records import Decision, Defaults, Endpoint, Resolution, Snapshot
from moorage_operator.errors import Fault


def decide(
    snapshot: Snapshot,
    resolution: Resolution,
    defaults: Defaults,
    endpoint: Endpoint,
    *,
    retire_seconds: float = 30.0,
    faults: tuple[Fault, ...] = (),
) -> Decision:
    """Decide everything about one CR. `faults`: what the writes of this very pass met, to be told in the status."""
    raise NotImplementedError
