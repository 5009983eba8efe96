"""Records that cross rooms: what the shell saw, what the middle decided. All immutable, all plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.errors import Fault

Body = Mapping[str, Any]
"""One Kubernetes object as plain JSON data."""


@dataclass(frozen=True, slots=True)
class Key:
    """One custom resource: the unit of work."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One child object inside the namespace of its owner."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a storageUri means today: a version and one immutable artifact URI, as the registry named `registry` says."""

    storage_uri: str
    version: str
    artifact_uri: str
    registry: str = "default"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The registry's answer for one CR: `resolved`, or `fault`, or both (an outage: the last good answer and why)."""

    resolved: Resolved | None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the operator's settings add to a pod: never part of a revision's hash."""

    image: str
    image_pull_policy: str = "IfNotPresent"
    resources: Body = field(default_factory=dict)
    artifact_limit_bytes: int = 10 * 2**30
    drain_seconds: int = 45
    pre_stop_seconds: int = 5
    egress: tuple[Body, ...] = ()
    admin_peers: tuple[Body, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an artifact scheme is served: from the operator's settings, never from a CR."""

    endpoint: str | None = None
    region: str | None = None
    tracking_uri: str | None = None
    ca_config_map: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One live look at the world around one CR.

    `children`: every object that the CR owns, by kind and name, as it is now. `foreign`: objects that stand under a
    name we would use but are not ours. `pods`: all pods of the CR, terminating ones included.
    """

    deployment: ModelDeployment
    children: Mapping[ObjectRef, Body]
    foreign: frozenset[ObjectRef]
    pods: tuple[Body, ...]
    now: datetime


class Phase(StrEnum):
    """Where a rollout stands."""

    IDLE = "Idle"
    LOADING = "Loading"
    SCALING = "Scaling"
    SWITCHING = "Switching"
    STEADY = "Steady"


@dataclass(frozen=True, slots=True)
class RevisionState:
    """One revision as the rollout sees it: integers, flags and times only."""

    revision: str
    version: str
    artifact_uri: str
    digest: str | None
    desired: int
    replicas: int
    ready: int
    verified: bool
    exists: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong below: a condition's reason, a sentence with the cure. `terminal`: time will not heal it."""

    reason: str
    message: str
    terminal: bool = False
    revision: str | None = None


class Verb(StrEnum):
    """What one change does."""

    APPLY = "apply"
    HANDOVER = "handover"
    TOUCH = "touch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `body`: the whole object for apply, the part for handover and touch, empty for delete.

    `uid`: precondition of a delete. `why`: one word for logs and metrics (missing, drifted, changed, retired, ...).
    """

    verb: Verb
    ref: ObjectRef
    body: Body
    why: str
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the middle decided: the writes in order, the whole status, and when to look again (seconds, None: on events)."""

    changes: tuple[Change, ...]
    status: Body
    look_again: float | None = None
