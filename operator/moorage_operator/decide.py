"""The middle's one door: from a live look at the world to the writes and the status that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from moorage_operator import hosting
from moorage_operator.api.blueprint import Blueprint
from moorage_operator.api.guests import as_owner, places
from moorage_operator.api.judgement import Readings
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import (
    Body,
    Decision,
    Defaults,
    Endpoint,
    Invited,
    ObjectRef,
    Resolution,
    Resolved,
    Snapshot,
)
from moorage_operator.api.step import RevisionState, Scene, Size, Step
from moorage_operator.desired import autoscaler
from moorage_operator.desired.blueprint import blueprint
from moorage_operator.desired.build import build
from moorage_operator.desired.revision import meaning_hash
from moorage_operator.desired.routes import routes
from moorage_operator.errors import ApplyFault, Fault, SpecFault
from moorage_operator.hosting import House
from moorage_operator.judge.evidence import Company, Evidence, Fit, Trial
from moorage_operator.judge.happenings import happenings
from moorage_operator.judge.investigate import investigate, refusals
from moorage_operator.judge.status import status
from moorage_operator.judging import Standing, standing
from moorage_operator.observed.blueprints import read_blueprints
from moorage_operator.observed.crashes import crashes
from moorage_operator.observed.followed import routed
from moorage_operator.observed.intents import intents
from moorage_operator.observed.memory import remember
from moorage_operator.observed.revisions import revision_states
from moorage_operator.observed.schemas import schema_of
from moorage_operator.observed.world import World, sort
from moorage_operator.plan.changes import changes, ref_of
from moorage_operator.plan.contains import contains
from moorage_operator.plan.routes import next_routes
from moorage_operator.plan.update import differing_parts
from moorage_operator.rollout import roles
from moorage_operator.rollout.next_step import next_step
from moorage_operator.rollout.plan import plan, scale_down_seconds
from moorage_operator.schema.compatible import incompatibility

UNREAD = Readings()
CLEANUP_SECONDS = 1.0
CONFLICT_SECONDS = 10.0
"""Nobody tells us when a foreign object goes away."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the CR means now: the version and its blueprint as of today, or why there is none."""

    resolution: Resolution
    resolved: Resolved | None = None
    fresh: Blueprint | None = None

    @property
    def wanted(self) -> str | None:
        return self.fresh.revision if self.fresh is not None else None


def decide(
    snapshot: Snapshot,
    resolution: Resolution,
    defaults: Defaults,
    endpoint: Endpoint,
    *,
    retire_seconds: float = 30.0,
    readings: Readings = UNREAD,
    invited: tuple[Invited, ...] = (),
    faults: tuple[Fault, ...] = (),
) -> Decision:
    """Decide everything about one CR. `readings`: what its pods just told. `invited`: the guests. `faults`: what the
    writes of this very pass met, to be told in the status.
    """
    owner = snapshot.deployment
    if owner.metadata.deletion_timestamp is not None:
        return Decision((), _plain(owner), status_changed=False)
    world = sort(snapshot)
    meaning = _meaning(owner, resolution, defaults, endpoint)
    arrived = [_company(owner, each, defaults) for each in invited]
    blueprints = _blueprints(world, [meaning.fresh, *(fresh for _, fresh in arrived)])
    states = revision_states(world, owner, blueprints.values())
    fit = _fit(world, owner, meaning.wanted)
    house = House(snapshot, world, readings, faults)
    company = hosting.received(house, [each for each, _ in arrived])
    scene = _scene(snapshot, world, meaning, states, retire_seconds, readings, fit, company)
    stood = _standing(scene, owner, world, readings)
    step = next_step(replace(scene, judgement=stood.judgement))
    table = next_routes(world, routes(owner.spec, step, states))
    wished = build(owner, step, blueprints, table, defaults, remembered=_remembered(scene, owner, blueprints))
    aside = hosting.children(owner.metadata.name, company, (step.stable, step.candidate))
    evidence = investigate(
        snapshot,
        world,
        step,
        states,
        wanted=meaning.wanted,
        meaning=meaning.resolved,
        resolution=meaning.resolution,
        refusals=refusals(*_of_those_who_serve(faults, wished, aside), world.foreign),
        update=_update(meaning, blueprints),
        scaled=autoscaler.wanted(owner.spec),
        trial=_trial(scene, step, stood, fit),
        company=company,
    )
    writes = changes(world, wished, table.generation if wished else 0, last=aside)
    looks = () if step.candidate is None else (stood.look_again,)
    again = _look_again(evidence, world, faults, (*looks, *hosting.moments(house, evidence)))
    told = status(evidence)
    return Decision(writes, told, told != _plain(owner), again, happenings(owner.status, told))


def _meaning(owner: ModelDeployment, resolution: Resolution, defaults: Defaults, endpoint: Endpoint) -> _Meaning:
    resolved = resolution.resolved or _last_answer(owner)
    if resolved is None:
        return _Meaning(resolution)
    try:
        return _Meaning(resolution, resolved, blueprint(owner, resolved, defaults, endpoint))
    except SpecFault as fault:
        return _Meaning(Resolution(resolution.resolved, fault), resolved)


def _last_answer(owner: ModelDeployment) -> Resolved | None:
    """A registry that is away, or that lost the alias, takes nothing back."""
    model, told = owner.spec.model, owner.status.model
    if told is None or (told.storage_uri, told.registry) != (model.storage_uri, model.registry):
        return None
    return Resolved(**told.model_dump())


def _blueprints(world: World, rendered: Iterable[Blueprint | None]) -> dict[str, Blueprint]:
    """As they were born; a lost one that today's render still describes is that render."""
    blueprints = dict(read_blueprints(world))
    for fresh in rendered:
        kept = blueprints.get(fresh.revision) if fresh is not None else None
        if fresh is not None and (kept is None or (kept.rebuilt and contains(kept.template, fresh.template))):
            blueprints[fresh.revision] = fresh
    return blueprints


def _company(owner: ModelDeployment, invited: Invited, defaults: Defaults) -> tuple[Company, Blueprint | None]:
    """A guest, and its revision as it would be born today."""
    stand_in = as_owner(owner, invited.guest)
    meaning = _meaning(stand_in, invited.resolution, defaults, invited.endpoint)
    return Company(invited.guest, meaning.resolved, meaning.wanted, meaning.resolution), meaning.fresh


def _of_those_who_serve(
    faults: tuple[Fault, ...], wished: Iterable[Body], aside: frozenset[str]
) -> tuple[tuple[Fault, ...], list[ObjectRef]]:
    """Without what concerns only guests."""
    own = tuple(each for each in faults if not isinstance(each, ApplyFault) or each.child not in aside)
    return own, [ref for ref in map(ref_of, wished) if ref.name not in aside]


def _scene(
    snapshot: Snapshot,
    world: World,
    meaning: _Meaning,
    states: Mapping[str, RevisionState],
    retire_seconds: float,
    readings: Readings,
    fit: Fit,
    company: tuple[Company, ...],
) -> Scene:
    owner, spec = snapshot.deployment, snapshot.deployment.spec
    scaled = autoscaler.wanted(spec)
    memory = remember(owner.status, snapshot.now)
    scene = Scene(
        wanted=meaning.wanted,
        revisions=states,
        selected=world.selected,
        size=Size(spec.min_replicas, (spec.max_replicas or 0) if scaled else spec.min_replicas, scaled),
        memory=memory,
        now=snapshot.now,
        retire_seconds=scale_down_seconds(spec, retire_seconds),
        plan=plan(spec),
        judgement=memory.judgement,
        intents=intents(owner.metadata),
        meaning=meaning_hash(spec),
        previous=tuple(each.revision for each in owner.status.history),
        misfit=fit.obstacle,
        deadline_seconds=float(spec.progress_deadline_seconds),
        companions=hosting.companions(company),
        places=places(each.guest for each in company),
    )
    stable = roles.stable(scene)
    return replace(scene, routed=routed(world, readings, states.get(stable) if stable is not None else None))


def _standing(scene: Scene, owner: ModelDeployment, world: World, readings: Readings) -> Standing:
    """Where the judgement of the candidate stands."""
    ended = crashes(world.pods_of(scene.memory.candidate))
    dark = not roles.ready(scene, scene.memory.stable)
    return standing(owner, scene.memory, readings, ended, scene.now, dark=dark)


def _trial(scene: Scene, step: Step, stood: Standing, fit: Fit) -> Trial:
    """The numbers that led to a rollback stay until somebody else comes in."""
    told = Trial(plan=scene.plan, fit=fit)
    if step.candidate is None:
        return replace(told, judgement=stood.judgement or scene.memory.judgement if step.failed else None)
    if step.candidate != scene.memory.candidate:
        return told
    return replace(told, judgement=stood.judgement, totals=stood.totals)


def _fit(world: World, owner: ModelDeployment, wanted: str | None) -> Fit:
    serving = owner.status.stable.revision if owner.status.stable is not None else None
    before, after = schema_of(world, serving), schema_of(world, wanted)
    if serving == wanted or before is None or after is None:
        return Fit()
    return Fit(compared=True, misfit=incompatibility(before, after), allowed=owner.spec.allow_schema_change)


def _remembered(scene: Scene, owner: ModelDeployment, blueprints: Mapping[str, Blueprint]) -> tuple[str, ...]:
    """The revisions that served, of which enough is kept to run them again."""
    kept = scene.previous[: 1 + owner.spec.revision_history_limit]
    return tuple(each for each in kept if each in blueprints)


def _update(meaning: _Meaning, blueprints: Mapping[str, Blueprint]) -> tuple[str, ...]:
    if meaning.fresh is None:
        return ()
    return differing_parts(blueprints[meaning.fresh.revision], meaning.fresh)


def _look_again(
    evidence: Evidence, world: World, faults: tuple[Fault, ...], due: tuple[float | None, ...]
) -> float | None:
    left, problem = evidence.seconds_left, evidence.problems.any
    moments = [
        *due,
        evidence.step.look_again,
        left if left is not None and left > 0 else None,
        problem.patience if problem is not None else None,
        evidence.doubt,
        CLEANUP_SECONDS if world.leftovers else None,
        CONFLICT_SECONDS if world.foreign else None,
        *(fault.retry_after for fault in (*faults, evidence.resolution.fault) if fault is not None),
    ]
    known = [moment for moment in moments if moment is not None]
    return max(min(known), 0.05) if known else None


def _plain(owner: ModelDeployment) -> dict[str, Any]:
    """The live status as we would write it, to tell whether ours differs."""
    return owner.status.model_dump(mode="json", by_alias=True, exclude_none=True)
