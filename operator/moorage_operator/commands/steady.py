"""The children of a resource when all is well: its version serves, and nothing is under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.guests import places
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.api.step import Companion, Phase, RevisionState, Role, Step
from moorage_operator.commands.visitors import Visitor
from moorage_operator.desired import autoscaler
from moorage_operator.desired.blueprint import blueprint
from moorage_operator.desired.build import build
from moorage_operator.desired.routes import routes
from moorage_operator.names import CONTENT_ANNOTATION
from moorage_operator.rollout.company import pods
from moorage_runtime.config import RouteTable

_ANY_TIME = datetime.fromtimestamp(0, UTC)


def children(
    owner: ModelDeployment,
    resolved: Resolved,
    defaults: Defaults,
    endpoint: Endpoint,
    *,
    beside: Sequence[tuple[Visitor, Endpoint]] = (),
    born: Mapping[str, Blueprint] | None = None,
    routed: RouteTable | None = None,
) -> list[dict[str, Any]]:
    """The whole objects. What a cluster alone can say is left out of those of a resource that is in none.

    `beside`: its guests, who stand there as well. `born`: blueprints of revisions that live already, which stay as they
    are. `routed`: the live route table, which is kept where it says the same. Raises SpecFault for what the settings
    cannot give.
    """
    kept = _kept(blueprint(owner, resolved, defaults, endpoint), born)
    blueprints = {kept.revision: kept}
    states = {kept.revision: _state(kept, _digest(owner, kept, routed), routed)}
    company: dict[str, Companion] = {}
    for visitor, where in beside:
        theirs = _kept(blueprint(visitor.owner, visitor.resolved, defaults, where), born)
        if theirs.revision not in blueprints:
            guest = visitor.guest
            blueprints[theirs.revision] = theirs
            states[theirs.revision] = _state(theirs, _digest(visitor.owner, theirs, routed), routed)
            company[theirs.revision] = Companion(guest.role, guest.name, guest.percent)
    step = _step(owner, kept.revision, company, places(visitor.guest for visitor, _ in beside))
    table = _table(routes(owner.spec, step, states), routed)
    objects = build(owner, step, blueprints, table, defaults)
    return objects if owner.metadata.uid else [_unowned(body) for body in objects]


def _kept(fresh: Blueprint, born: Mapping[str, Blueprint] | None) -> Blueprint:
    return (born or {}).get(fresh.revision, fresh)


def _digest(owner: ModelDeployment, kept: Blueprint, routed: RouteTable | None) -> str | None:
    return owner.spec.model.digest or _pinned(routed, kept.revision) or _told(owner, kept.revision)


def _state(kept: Blueprint, digest: str | None, routed: RouteTable | None) -> RevisionState:
    address = _address(routed, kept.revision)
    return RevisionState(kept.revision, kept.version, kept.artifact_uri, digest=digest, address=address)


def _step(owner: ModelDeployment, revision: str, company: Mapping[str, Companion], places: Mapping[str, int]) -> Step:
    scaled, minimum = autoscaler.wanted(owner.spec), owner.spec.min_replicas
    arms = {name: int(each.percent) for name, each in company.items() if each.role is Role.ARM}
    copies = next((each.percent for each in company.values() if each.role is Role.SHADOW), 0.0)
    return Step(
        stable=revision,
        candidate=None,
        retiring={},
        removed=frozenset(),
        replicas={
            revision: None if scaled else minimum,
            **{name: pods(each.percent, minimum) for name, each in company.items()},
        },
        target=revision,
        phase=Phase.STEADY,
        since=_ANY_TIME,
        weights={revision: 100 - sum(arms.values()), **arms},
        floors={revision: minimum} if scaled else {},
        shadow=copies,
        companions=company,
        places=places,
    )


def _pinned(routed: RouteTable | None, revision: str) -> str | None:
    route = routed.revisions.get(revision) if routed is not None else None
    return route.digest if route is not None else None


def _address(routed: RouteTable | None, revision: str) -> str | None:
    """Where its Service is, which only the cluster knows."""
    route = routed.revisions.get(revision) if routed is not None else None
    return route.address if route is not None else None


def _told(owner: ModelDeployment, revision: str) -> str | None:
    told = [owner.status.stable, *owner.status.guests]
    return next((each.digest for each in told if each is not None and each.revision == revision), None)


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
