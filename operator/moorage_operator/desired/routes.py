"""The route table, and the ConfigMap that carries it into the pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

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
    if step.stable is None or (step.candidate is None and not step.companions and not step.places):
        return RouteTable(generation=0, revisions=revisions)
    wished = spec.rollout or Rollout()
    return RouteTable(
        generation=0,
        revisions={name: route for name, route in revisions.items() if not _gives_way(step, route)}
        | _other_places(step, states),
        salt=spec.ab_test.salt if spec.ab_test is not None else step.candidate or "",
        key_header=_key_header(spec, wished),
        shield=_shield(wished),
        compare=comparison(_compared(spec, step, wished)),
        shadow_percent=step.shadow,
    )


def _gives_way(step: Step, route: Route) -> bool:
    """Copies go to one: to the candidate, while its step asks for them."""
    return route.role == Role.SHADOW and step.candidate is not None and step.candidate_copies


def _other_places(step: Step, states: Mapping[str, RevisionState]) -> dict[str, Route]:
    """The places of arms that have no entry of their own: their revision is not known, or serves in another role."""
    taken = {each.name for each in step.companions.values() if each.role is Role.ARM}
    left = {name: percent for name, percent in sorted(step.places.items()) if name not in taken}
    return {f"{Role.ARM}-{name}": _place(step, name, percent, states) for name, percent in left.items()}


def _place(step: Step, name: str, percent: int, states: Mapping[str, RevisionState]) -> Route:
    vacant = Route(version="", role=Role.ARM.value, weight=percent, arm=name)
    if step.candidate is None or name != step.candidate_arm:
        return vacant
    state = states[step.candidate]
    return replace(vacant, version=state.version, digest=state.digest, address=state.address)


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
    weight, address, arm = step.weights.get(state.revision, 0), state.address, None
    if role is Role.RETIRING:
        address = None
    elif role is Role.ARM:
        # One that does not answer keeps its clients in the table, without an address to send them to.
        arm, address = step.companions[state.revision].name, address if weight else None
        weight = step.places.get(arm, 0)
    return Route(version=state.version, role=role.value, weight=weight, digest=state.digest, address=address, arm=arm)


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
