"""Gathers the evidence of one pass: what the step is, and what is wrong with whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from moorage_operator.api.problem import Problem
from moorage_operator.api.records import ObjectRef, Resolution, Resolved, Snapshot
from moorage_operator.api.step import RevisionState, Step
from moorage_operator.errors import Fault
from moorage_operator.judge.evidence import NO_TRIAL, Company, Evidence, Problems, Trial, worst
from moorage_operator.judge.guest_problems import examined
from moorage_operator.judge.keyless import Keyless, keyless
from moorage_operator.judge.meaning import resolution_problem
from moorage_operator.judge.pod_problems import download_problem, serving_problem
from moorage_operator.judge.refusals import conflict, refused, replica_failure
from moorage_operator.names import autoscaler, revision_name
from moorage_operator.observed.world import World


def investigate(
    snapshot: Snapshot,
    world: World,
    step: Step,
    states: Mapping[str, RevisionState],
    *,
    wanted: str | None,
    meaning: Resolved | None,
    resolution: Resolution,
    refusals: tuple[Problem | None, ...],
    update: tuple[str, ...],
    scaled: bool,
    trial: Trial = NO_TRIAL,
    company: tuple[Company, ...] = (),
) -> Evidence:
    """The evidence; the problems are those of the candidate, else of the stable revision."""
    newest = step.candidate or step.stable
    keys = _keyless(snapshot, world, newest)
    return Evidence(
        owner=snapshot.deployment,
        now=snapshot.now,
        step=step,
        wanted=wanted,
        meaning=meaning,
        selected=world.selected,
        states=states,
        resolution=resolution,
        problems=Problems(
            resolution=resolution_problem(resolution.fault, meaning),
            refusal=worst(*refusals),
            download=_download(snapshot, world, newest, states),
            workload=worst(_workload(snapshot, world, newest, proven=newest == step.stable), keys.problem),
        ),
        fetched=next((pod.digest for pod in world.pods_of(newest) if pod.digest is not None), None),
        autoscaler=world.child("HorizontalPodAutoscaler", autoscaler(world.owner)),
        scaled=scaled,
        update=update,
        cleaning=bool(world.leftovers),
        doubt=keys.left,
        trial=trial,
        company=tuple(examined(each, snapshot, world, step, _digest(states, each.revision)) for each in company),
    )


def refusals(
    faults: tuple[Fault, ...], wished: Iterable[ObjectRef], foreign: frozenset[ObjectRef]
) -> tuple[Problem | None, ...]:
    """Who said no to a child."""
    return (refused(faults), conflict(wished, foreign))


def _digest(states: Mapping[str, RevisionState], revision: str | None) -> str | None:
    state = states.get(revision) if revision is not None else None
    return state.digest if state is not None else None


def _download(
    snapshot: Snapshot, world: World, revision: str | None, states: Mapping[str, RevisionState]
) -> Problem | None:
    if revision is None:
        return None
    secret = snapshot.deployment.spec.model.secret_name
    return download_problem(world.pods_of(revision), states[revision].digest, secret)


def _workload(snapshot: Snapshot, world: World, revision: str | None, *, proven: bool) -> Problem | None:
    if revision is None:
        return None
    failure = replica_failure(world.child("Deployment", revision_name(world.owner, revision)))
    return worst(failure, serving_problem(world.pods_of(revision), snapshot.now, proven=proven))


def _keyless(snapshot: Snapshot, world: World, revision: str | None) -> Keyless:
    auth = snapshot.deployment.spec.auth
    return keyless(world.pods_of(revision), auth.secret_name if auth is not None else None, snapshot.now)
