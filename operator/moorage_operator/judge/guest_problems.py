"""What is wrong with a guest: the same checks that a candidate meets, and what only a guest can get wrong."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.api.records import ObjectRef, Snapshot
from moorage_operator.api.step import Step
from moorage_operator.judge.evidence import Company, worst
from moorage_operator.judge.keyless import keyless
from moorage_operator.judge.meaning import resolution_problem
from moorage_operator.judge.pod_problems import download_problem, serving_problem
from moorage_operator.judge.refusals import conflict, refused, replica_failure
from moorage_operator.names import revision_name
from moorage_operator.observed.pod import Pod
from moorage_operator.observed.world import World

_OF_REVISION = ("ControllerRevision", "Deployment", "Service")


def examined(told: Company, snapshot: Snapshot, world: World, step: Step, digest: str | None) -> Company:
    """The guest with its problem, if it has one. `digest`: that its revision is pinned to."""
    meaning = resolution_problem(told.resolution.fault, told.resolved)
    if told.revision is None or told.revision in (step.stable, step.candidate):
        # What is wrong with those who serve, or are about to, the other conditions tell.
        return replace(told, problem=meaning)
    if told.twin is not None:
        return replace(told, problem=worst(meaning, _repeated(told)))
    spec, pods = snapshot.deployment.spec, world.pods_of(told.revision)
    keys = keyless(pods, spec.auth.secret_name if spec.auth is not None else None, snapshot.now)
    name = revision_name(world.owner, told.revision)
    found = worst(
        meaning,
        refused(told.faults),
        conflict([ObjectRef(kind, name) for kind in _OF_REVISION], world.foreign),
        _unfit(told),
        download_problem(pods, digest, told.guest.model.secret_name),
        replica_failure(world.child("Deployment", name)),
        serving_problem(pods, snapshot.now, proven=False),
        keys.problem,
    )
    deadline = float(spec.progress_deadline_seconds)
    late = _late(pods, snapshot.now, deadline) if found is None else None
    return replace(told, problem=found or late, doubt=_soonest(keys.left, _left(pods, snapshot.now, deadline)))


def _repeated(told: Company) -> Problem:
    other = told.twin.name if told.twin is not None else ""
    message = f"It means the same version with the same settings as {other}, so that only one of them can stand. "
    return Problem(Reason.GUEST_REPEATED, message + "Name another version, or remove one of them.", terminal=True)


def _unfit(told: Company) -> Problem | None:
    if told.misfit is None:
        return None
    return Problem(Reason.SCHEMA_INCOMPATIBLE, told.misfit.replace("the candidate", "it"), terminal=True)


def _late(pods: Collection[Pod], now: datetime, deadline: float) -> Problem | None:
    if not _waiting(pods) or _left(pods, now, deadline) is not None:
        return None
    message = (
        f"None of its pods answered within {deadline:.0f} seconds (spec.progressDeadlineSeconds). Look at them, or "
        "raise the deadline if the model is just slow to load."
    )
    return Problem(Reason.PROGRESS_DEADLINE_EXCEEDED, message, terminal=True)


def _left(pods: Collection[Pod], now: datetime, deadline: float) -> float | None:
    """Seconds until they are late; None when they are, or when one answers."""
    ages = [(now - (pod.born or now)).total_seconds() for pod in pods] if _waiting(pods) else []
    left = deadline - max(ages, default=deadline)
    return left if left > 0 else None


def _waiting(pods: Collection[Pod]) -> bool:
    return bool(pods) and not any(pod.ready for pod in pods)


def _soonest(*moments: float | None) -> float | None:
    return min((each for each in moments if each is not None), default=None)
