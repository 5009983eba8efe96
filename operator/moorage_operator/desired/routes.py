"""The route table, and the ConfigMap that carries it into the pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_operator.api import comparing as api
from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.api.rollout import Rollout
from moorage_operator.api.step import RevisionState, Role, Step
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import common_labels, routes_config_map
from moorage_runtime.config import ROUTES_KEY, Compare, Route, RouteTable, Shield, encode


def routes(spec: ModelDeploymentSpec, step: Step, states: Mapping[str, RevisionState]) -> RouteTable:
    """Who answers what, as a table without a generation. Without a candidate it says nothing but who serves."""
    revisions = {name: _route(step, role, states[name]) for name, role in sorted(step.roles().items())}
    if step.stable is None or (step.candidate is None and not step.companions):
        return RouteTable(generation=0, revisions=revisions)
    wished = spec.rollout or Rollout()
    return RouteTable(
        generation=0,
        revisions={name: route for name, route in revisions.items() if not _gives_way(step, route)},
        salt=spec.ab_test.salt if spec.ab_test is not None else step.candidate or "",
        key_header=_key_header(spec, wished),
        shield=_shield(wished),
        compare=comparison(_compared(spec, step, wished)),
        shadow_percent=step.shadow,
    )


def _gives_way(step: Step, route: Route) -> bool:
    """Copies go to one: to the candidate, while its step asks for them."""
    return route.role == Role.SHADOW and step.candidate is not None and step.candidate_copies


def _key_header(spec: ModelDeploymentSpec, wished: Rollout) -> str | None:
    if spec.ab_test is not None:
        return spec.ab_test.header
    return wished.stickiness.header if wished.stickiness is not None else None


def _compared(spec: ModelDeploymentSpec, step: Step, wished: Rollout) -> api.Compare:
    if step.candidate is None and spec.shadow is not None:
        return spec.shadow.compare
    return wished.analysis.compare


def comparison(wished: api.Compare) -> Compare:
    """Which answers are compared, in the runtime's words."""
    return Compare(
        percent=wished.percent,
        tolerance=wished.tolerance,
        top_k=wished.top_k or None,
        outputs=tuple(sorted(wished.outputs)),
    )


def _route(step: Step, role: Role, state: RevisionState) -> Route:
    return Route(
        version=state.version,
        role=role.value,
        weight=step.weights.get(state.revision, 0),
        digest=state.digest,
        address=state.address if role is not Role.RETIRING else None,
        arm=step.companions[state.revision].name if role is Role.ARM else None,
    )


def _shield(wished: Rollout) -> Shield | None:
    if not wished.shield:
        return None
    if wished.shield_patience is None:
        return Shield()
    return Shield(patience_seconds=duration_seconds(wished.shield_patience, "spec.rollout.shieldPatience"))


def config_map(owner: ModelDeployment, table: RouteTable) -> dict[str, Any]:
    """The table as a file for the pods."""
    name = owner.metadata.name
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(owner, routes_config_map(name), common_labels(name)),
        "data": {ROUTES_KEY: encode(table)},
    }
