"""What is known of the guests before the next step is chosen, and when to look at them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from moorage_operator.analysis.guest_counts import counted, due_in
from moorage_operator.api.judgement import Counted, Readings
from moorage_operator.api.records import Snapshot
from moorage_operator.api.step import Companion
from moorage_operator.errors import ApplyFault, Fault
from moorage_operator.judge.evidence import Company, Evidence
from moorage_operator.judge.guest_word import stands
from moorage_operator.names import revision_name
from moorage_operator.observed.memory import counted_before
from moorage_operator.observed.schemas import schema_of
from moorage_operator.observed.world import World
from moorage_operator.rollout.plan import plan
from moorage_operator.schema.compatible import incompatibility


@dataclass(frozen=True, slots=True)
class House:
    """Where guests are received: one pass over one custom resource."""

    snapshot: Snapshot
    world: World
    readings: Readings
    faults: tuple[Fault, ...]

    @property
    def stable(self) -> str | None:
        """The revision that served at the end of the last pass."""
        told = self.snapshot.deployment.status.stable
        return told.revision if told is not None else None

    @property
    def interval(self) -> float:
        """Seconds between two looks at what was counted."""
        return plan(self.snapshot.deployment.spec).interval


def received(house: House, company: Sequence[Company]) -> tuple[Company, ...]:
    """The guests with what the world says of them."""
    return tuple(_one(house, each, company[:place]) for place, each in enumerate(company))


def companions(company: Iterable[Company]) -> dict[str, Companion]:
    """By revision; of two guests with one revision the first."""
    seated = (each for each in company if each.revision is not None and each.twin is None)
    return {
        each.revision or "": Companion(each.guest.role, each.guest.name, each.guest.percent, fits=each.misfit is None)
        for each in seated
    }


def children(owner: str, company: Iterable[Company], own: Iterable[str | None]) -> frozenset[str]:
    """The names that only guests' children have. `own`: revisions that serve, or are about to."""
    revisions = {each.revision for each in company} - set(own)
    return frozenset(revision_name(owner, each) for each in revisions if each is not None)


def moments(house: House, evidence: Evidence) -> Iterator[float | None]:
    """Seconds until time alone changes what is to be told of a guest."""
    for each in evidence.company:
        yield each.doubt
        yield each.problem.patience if each.problem is not None else None
        if stands(evidence, each):
            yield due_in(each.counted, house.snapshot.now, house.interval)


def _one(house: House, told: Company, before: Sequence[Company]) -> Company:
    if told.revision is None:
        return told
    twin = next((each.guest for each in before if each.revision == told.revision), None)
    name = revision_name(house.world.owner, told.revision)
    return replace(
        told,
        twin=twin,
        misfit=_misfit(house, told.revision),
        faults=tuple(each for each in house.faults if isinstance(each, ApplyFault) and each.child == name),
        counted=_counted(house, told, told.revision),
    )


def _misfit(house: House, revision: str) -> str | None:
    owner, stable = house.snapshot.deployment, house.stable
    before, after = schema_of(house.world, stable), schema_of(house.world, revision)
    if owner.spec.allow_schema_change or revision == stable or before is None or after is None:
        return None
    return incompatibility(before, after)


def _counted(house: House, told: Company, revision: str) -> Counted | None:
    now, guest = house.snapshot.now, told.guest
    before = counted_before(house.snapshot.deployment.status, guest.role, guest.name, revision, now)
    reports = [each.report for each in house.readings.of(house.stable)]
    return counted(reports, revision, guest.role, before, now=now, interval=house.interval)
