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
    if step.candidate is None or step.stable is None:
        return RouteTable(generation=0, revisions=revisions)
    wished = spec.rollout or Rollout()
    return RouteTable(
        generation=0,
        revisions=revisions,
        salt=step.candidate,
        key_header=wished.stickiness.header if wished.stickiness is not None else None,
        shield=_shield(wished),
        compare=comparison(wished.analysis.compare),
        shadow_percent=step.shadow,
    )


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
