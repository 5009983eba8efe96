"""What the judges look at: one record, gathered once per pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.problem import Problem
from moorage_operator.api.records import Body, Resolution, Resolved
from moorage_operator.api.step import Phase, RevisionState, Step


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong, by where it was found; the newest revision's for `download` and `workload`.

    `resolution`: the version cannot be named. `refusal`: the API server or a foreign object said no to a child.
    """

    resolution: Problem | None = None
    refusal: Problem | None = None
    download: Problem | None = None
    workload: Problem | None = None

    @property
    def of_rollout(self) -> Problem | None:
        """The worst problem of what runs, or should."""
        return worst(self.refusal, self.download, self.workload)

    @property
    def any(self) -> Problem | None:
        """The worst problem of all."""
        return worst(self.resolution, self.refusal, self.download, self.workload)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One pass, ready to be judged.

    `wanted`: the revision that the CR means. `meaning`: what it was resolved to. `fetched`: the digest that a pod of
    the newest revision, which still stands, reported of its download. `autoscaler`: the live HPA.
    `update`: parts of the pod template that this release would render differently. `cleaning`: deleted children are
    still there. `doubt`: seconds until what is no problem yet will be one.
    """

    owner: ModelDeployment
    now: datetime
    step: Step
    wanted: str | None
    meaning: Resolved | None
    selected: str | None
    states: Mapping[str, RevisionState]
    resolution: Resolution
    problems: Problems
    fetched: str | None = None
    autoscaler: Body | None = None
    scaled: bool = False
    update: tuple[str, ...] = ()
    cleaning: bool = False
    doubt: float | None = None

    @property
    def newest(self) -> RevisionState | None:
        """The revision that the rollout is about: the candidate, else the stable one."""
        return self.state(self.step.candidate or self.step.stable)

    @property
    def stable(self) -> RevisionState | None:
        """The revision that serves."""
        return self.state(self.step.stable)

    @property
    def current(self) -> bool:
        """Whether the revision that serves is the one that the CR means."""
        return self.wanted is not None and self.step.stable == self.wanted

    @property
    def seconds_left(self) -> float | None:
        """Until the progress deadline, negative when it has passed; None when nothing is under way."""
        if self.step.phase is Phase.STEADY:
            return None
        return self.owner.spec.progress_deadline_seconds - (self.now - self.step.since).total_seconds()

    @property
    def late(self) -> bool:
        """Whether the progress deadline has passed."""
        return self.seconds_left is not None and self.seconds_left <= 0

    def state(self, revision: str | None) -> RevisionState | None:
        """The state of a revision."""
        return self.states.get(revision) if revision is not None else None


def worst(*problems: Problem | None) -> Problem | None:
    """The first terminal problem, else the first one."""
    found = [each for each in problems if each is not None]
    return next((each for each in found if each.terminal), next(iter(found), None))
