"""The models beside spec.model: the shadow, and the arms of an A/B test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moorage_operator.api.model import Model
from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.api.step import Role

STABLE = "stable"
"""As winner: spec.model."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One of them. `percent`: of the copies, or of the clients."""

    role: Role
    name: str
    percent: float
    model: Model


def guests(spec: ModelDeploymentSpec) -> tuple[Guest, ...]:
    """Those that the spec asks for. A winner is the only arm left, and answers everybody."""
    return (*_shadow(spec), *_arms(spec))


def places(told: Iterable[Guest]) -> dict[str, int]:
    """Percent of the clients by arm, whoever answers them."""
    return {each.name: int(each.percent) for each in told if each.role is Role.ARM}


def as_owner(owner: ModelDeployment, guest: Guest) -> ModelDeployment:
    """The custom resource as if the guest's model were its own."""
    told = next((each for each in owner.status.guests if (each.role, each.name) == (guest.role, guest.name)), None)
    spec = owner.spec.model_copy(update={"model": guest.model})
    status = owner.status.model_copy(update={"model": told.model if told is not None else None})
    return owner.model_copy(update={"spec": spec, "status": status})


def _shadow(spec: ModelDeploymentSpec) -> Iterator[Guest]:
    if spec.shadow is not None:
        yield Guest(Role.SHADOW, Role.SHADOW.value, spec.shadow.percent, spec.shadow.model)


def _arms(spec: ModelDeploymentSpec) -> Iterator[Guest]:
    test = spec.ab_test
    if test is None or test.winner == STABLE:
        return
    for arm in test.arms:
        if test.winner in (None, arm.name):
            yield Guest(Role.ARM, arm.name, 100 if test.winner else arm.percent, arm.model)
