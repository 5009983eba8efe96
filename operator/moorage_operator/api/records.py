"""Records that cross rooms: what the shell saw, what the middle decided. All immutable, all plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from moorage_operator.api.guests import Guest
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
    """What a storageUri means today: a version and one immutable artifact URI, says the registry named `registry`."""

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
class Invited:
    """A guest with what its storageUri means today, and where its artifact is served."""

    guest: Guest
    resolution: Resolution
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class CacheServer:
    """One Redis of the settings. `url`: without credentials. `ca_config_map`: a ConfigMap of the CR's namespace whose
    key `ca.crt` the server's certificate is checked with."""

    url: str
    ca_config_map: str | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the operator's settings add to a pod: never part of a revision's hash.

    `resources`: `{requests, limits}` as in a container, filled in where the CR says nothing. `egress`: whole
    NetworkPolicy egress rules towards the artifact stores (none: egress is left open). `admin_peers`: NetworkPolicy
    peers that may reach the admin port. `caches`: by the name that `spec.cache.backend` gives.
    """

    image: str
    image_pull_policy: str = "IfNotPresent"
    resources: Body = field(default_factory=dict)
    artifact_limit_bytes: int = 10 * 2**30
    drain_seconds: int = 45
    pre_stop_seconds: int = 5
    egress: tuple[Body, ...] = ()
    admin_peers: tuple[Body, ...] = ()
    caches: Mapping[str, CacheServer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the artifact of one CR is served: from the operator's settings, never from a CR.

    `endpoint`, `region`: the S3 store. `tracking_uri`: the MLflow server that hands out mlflow-artifacts:/ URIs, as a
    pod reaches it. `ca_config_map`: a ConfigMap of the CR's namespace whose key `ca.crt` the download trusts.
    """

    endpoint: str | None = None
    region: str | None = None
    tracking_uri: str | None = None
    ca_config_map: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One live look at the world around one CR.

    `children`: every object of a child kind that the CR owns (by label, ownerReference or field manager), by kind and
    name, as it is now: whole, `metadata.managedFields` included; also what a deleted CR of the same name left behind.
    `foreign`: objects that stand under a name we would use but are not ours. `pods`: all pods that carry the CR's
    `OWNER_LABEL`, terminating ones included.
    """

    deployment: ModelDeployment
    children: Mapping[ObjectRef, Body]
    foreign: frozenset[ObjectRef]
    pods: tuple[Body, ...]
    now: datetime


class Verb(StrEnum):
    """What one change does."""

    APPLY = "apply"
    HANDOVER = "handover"
    TOUCH = "touch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One write, to be made in the order given.

    apply     server-side apply of the whole `body` by `CHILD_MANAGER`, forced
    handover  server-side apply of the part `body` by `HANDOVER_MANAGER`, forced
    touch     `ref` is a pod: set the annotation in `body` (`{metadata: {annotations: {...}}}`), nothing else
    delete    `body` is empty; `uid` is the precondition
    `why`: one word for logs and metrics (missing, changed, drifted, handover, routes, retired, replaced, unused).
    """

    verb: Verb
    ref: ObjectRef
    body: Body
    why: str
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing worth telling as a Kubernetes Event."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the middle decided.

    `changes`: the writes in order. `status`: the whole status, to be written when `status_changed`. `look_again`:
    seconds until the next look makes sense even if nothing happens (None: events suffice). `happenings`: what the new
    status tells that the last one did not.
    """

    changes: tuple[Change, ...]
    status: Body
    status_changed: bool
    look_again: float | None = None
    happenings: tuple[Happening, ...] = ()
