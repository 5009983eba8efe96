"""Records of a rollout: what is seen of each revision, and which step comes next. Integers, flags and times only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """Where a rollout stands."""

    RESOLVING = "Resolving"
    LOADING = "Loading"
    SCALING = "Scaling"
    SWITCHING = "Switching"
    STEADY = "Steady"


class Role(StrEnum):
    """What a revision does."""

    STABLE = "stable"
    CANDIDATE = "candidate"
    RETIRING = "retiring"


@dataclass(frozen=True, slots=True)
class RevisionState:
    """One revision as it is now.

    `desired`: the Deployment's `spec.replicas`, None when there is no Deployment. `pods`, `ready`: its pods that are
    not going away; a ready one answered its test inference and carries the pinned digest. `digest`: the pin, once
    known.
    """

    revision: str
    version: str
    artifact_uri: str
    digest: str | None = None
    desired: int | None = None
    pods: int = 0
    ready: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """How many replicas the CR asks for. `scaled`: an autoscaler moves the stable one between both."""

    minimum: int
    maximum: int
    scaled: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last pass wrote down."""

    stable: str | None = None
    candidate: str | None = None
    phase: Phase = Phase.RESOLVING
    since: datetime | None = None
    retiring: Mapping[str, datetime] = field(default_factory=dict)
    stable_replicas: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the next step depends on.

    `wanted`: the revision that the CR means now, None while that is not known. `revisions`: all that can be run, the
    wanted one included. `selected`: the revision that the public Service selects.
    """

    wanted: str | None
    revisions: Mapping[str, RevisionState]
    selected: str | None
    size: Size
    memory: Memory
    now: datetime
    retire_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """What should be true next.

    `replicas`: by revision that stays, None where an autoscaler owns the number. `target`: the revision that the public
    Service should select. `removed`: revisions to delete. `look_again`: seconds until time alone changes the step.
    """

    stable: str | None
    candidate: str | None
    retiring: Mapping[str, datetime]
    removed: frozenset[str]
    replicas: Mapping[str, int | None]
    target: str | None
    phase: Phase
    since: datetime
    look_again: float | None = None

    def roles(self) -> dict[str, Role]:
        """The role of each revision that stays."""
        roles = dict.fromkeys(self.retiring, Role.RETIRING)
        if self.candidate is not None:
            roles[self.candidate] = Role.CANDIDATE
        if self.stable is not None:
            roles[self.stable] = Role.STABLE
        return roles
