"""Gathers the evidence of one pass: what the step is, and what is wrong with whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from moorage_operator.api.problem import Problem
from moorage_operator.api.records import Body, ObjectRef, Resolution, Resolved, Snapshot
from moorage_operator.api.step import RevisionState, Step
from moorage_operator.errors import Fault
from moorage_operator.judge.evidence import Evidence, Problems, worst
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
) -> Evidence:
    """The evidence; the problems are those of the candidate, else of the stable revision."""
    return Evidence(
        owner=snapshot.deployment,
        now=snapshot.now,
        step=step,
        wanted=wanted,
        meaning=meaning,
        selected=world.selected,
        states=states,
        resolution=resolution,
        problems=_problems(world, step, states, resolution_problem(resolution.fault, meaning), worst(*refusals)),
        autoscaler=world.child("HorizontalPodAutoscaler", autoscaler(world.owner)),
        scaled=scaled,
        update=update,
        cleaning=bool(world.leftovers),
    )


def refusals(
    faults: tuple[Fault, ...], wished: Iterable[ObjectRef], foreign: frozenset[ObjectRef]
) -> tuple[Problem | None, ...]:
    """Who said no to a child."""
    return (refused(faults), conflict(wished, foreign))


def _problems(
    world: World,
    step: Step,
    states: Mapping[str, RevisionState],
    resolution: Problem | None,
    refusal: Problem | None,
) -> Problems:
    newest = step.candidate or step.stable
    if newest is None:
        return Problems(resolution=resolution, refusal=refusal)
    pods = world.pods_of(newest)
    return Problems(
        resolution=resolution,
        refusal=refusal,
        download=download_problem(pods, states[newest].digest),
        workload=worst(
            replica_failure(_deployment(world, newest)), serving_problem(pods, proven=newest == step.stable)
        ),
    )


def _deployment(world: World, revision: str) -> Body | None:
    return world.child("Deployment", revision_name(world.owner, revision))
