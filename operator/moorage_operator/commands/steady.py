"""The children of a resource when all is well: its version serves, and nothing is under way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.api.step import Phase, RevisionState, Step
from moorage_operator.desired import autoscaler
from moorage_operator.desired.blueprint import blueprint
from moorage_operator.desired.build import build
from moorage_operator.desired.routes import routes
from moorage_operator.names import CONTENT_ANNOTATION
from moorage_runtime.config import RouteTable

_ANY_TIME = datetime.fromtimestamp(0, UTC)


def children(
    owner: ModelDeployment,
    resolved: Resolved,
    defaults: Defaults,
    endpoint: Endpoint,
    *,
    born: Mapping[str, Blueprint] | None = None,
    routed: RouteTable | None = None,
) -> list[dict[str, Any]]:
    """The whole objects. What a cluster alone can say is left out of those of a resource that is in none.

    `born`: blueprints of revisions that live already, which stay as they are. `routed`: the live route table, which is
    kept where it says the same. Raises SpecFault for what the settings cannot give.
    """
    fresh = blueprint(owner, resolved, defaults, endpoint)
    kept = (born or {}).get(fresh.revision, fresh)
    step = _step(owner, kept.revision)
    digest = owner.spec.model.digest or _pinned(routed, kept.revision) or _told(owner, kept.revision)
    address = _address(routed, kept.revision)
    state = RevisionState(kept.revision, kept.version, kept.artifact_uri, digest=digest, address=address)
    table = _table(routes(owner.spec, step, {kept.revision: state}), routed)
    objects = build(owner, step, {kept.revision: kept}, table, defaults)
    return objects if owner.metadata.uid else [_unowned(body) for body in objects]


def _step(owner: ModelDeployment, revision: str) -> Step:
    scaled = autoscaler.wanted(owner.spec)
    return Step(
        stable=revision,
        candidate=None,
        retiring={},
        removed=frozenset(),
        replicas={revision: None if scaled else owner.spec.min_replicas},
        target=revision,
        phase=Phase.STEADY,
        since=_ANY_TIME,
        weights={revision: 100},
        floors={revision: owner.spec.min_replicas} if scaled else {},
    )


def _pinned(routed: RouteTable | None, revision: str) -> str | None:
    route = routed.revisions.get(revision) if routed is not None else None
    return route.digest if route is not None else None


def _address(routed: RouteTable | None, revision: str) -> str | None:
    """Where its Service is, which only the cluster knows."""
    route = routed.revisions.get(revision) if routed is not None else None
    return route.address if route is not None else None


def _told(owner: ModelDeployment, revision: str) -> str | None:
    stable = owner.status.stable
    return stable.digest if stable is not None and stable.revision == revision else None


def _table(wished: RouteTable, routed: RouteTable | None) -> RouteTable:
    if routed is None:
        return replace(wished, generation=1)
    same = replace(wished, generation=routed.generation) == routed
    return routed if same else replace(wished, generation=routed.generation + 1)


def _unowned(body: Mapping[str, Any]) -> dict[str, Any]:
    """An owner's uid that is made up would have the garbage collector delete the object."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "ownerReferences"}
    annotations = {name: value for name, value in metadata["annotations"].items() if name != CONTENT_ANNOTATION}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
