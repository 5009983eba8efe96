"""What the judges look at: one record, gathered once per pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage_operator.api.guests import Guest
from moorage_operator.api.judgement import Counted, Judgement
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.problem import Problem
from moorage_operator.api.records import Body, Resolution, Resolved
from moorage_operator.api.step import AT_ONCE, Failure, Phase, Plan, RevisionState, Step
from moorage_operator.errors import Fault


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
class Fit:
    """How the schemas of both revisions go together. `compared`: both are known. `misfit`: what clients would miss in
    the wanted one; `allowed`: nobody minds.
    """

    compared: bool = False
    misfit: str | None = None
    allowed: bool = False

    @property
    def obstacle(self) -> str | None:
        """Why the wanted revision may not have any traffic."""
        return None if self.allowed else self.misfit


NOT_COMPARED = Fit()


@dataclass(frozen=True, slots=True)
class Trial:
    """How the candidate does. `judgement`: the last one; `totals`: what it was counted from, as text."""

    plan: Plan = AT_ONCE
    judgement: Judgement | None = None
    totals: str | None = None
    fit: Fit = NOT_COMPARED


NO_TRIAL = Trial()


@dataclass(frozen=True, slots=True)
class Company:
    """One guest as it stands.

    `revision`: None while nobody can say which; `resolution`: may tell why. `twin`: the guest that has its revision
    already. `misfit`: what clients of the stable revision would miss. `faults`: what the writes of its own children
    met. `counted`: what the pods that serve counted of it. `problem`: what is wrong with it; `doubt`: seconds until
    what is no problem yet will be one.
    """

    guest: Guest
    resolved: Resolved | None
    revision: str | None
    resolution: Resolution
    twin: Guest | None = None
    misfit: str | None = None
    faults: tuple[Fault, ...] = ()
    counted: Counted | None = None
    problem: Problem | None = None
    doubt: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One pass, ready to be judged.

    `wanted`: the revision that the CR means. `meaning`: what it was resolved to. `fetched`: the digest that a pod of
    the newest revision, which still stands, reported of its download. `autoscaler`: the live HPA.
    `update`: parts of the pod template that this release would render differently. `cleaning`: deleted children are
    still there. `doubt`: seconds until what is no problem yet will be one. `trial`: how the candidate does.
    `company`: the guests.
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
    trial: Trial = NO_TRIAL
    company: tuple[Company, ...] = ()

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
        return self.wanted is not None and self.step.stable == self.wanted and self.failure is None

    @property
    def seconds_left(self) -> float | None:
        """Until the progress deadline, negative when it has passed; None when nothing is under way."""
        if self.step.phase is Phase.STEADY or self.step.patient:
            return None
        return self.owner.spec.progress_deadline_seconds - (self.now - self.step.since).total_seconds()

    @property
    def failure(self) -> Failure | None:
        """Why the revision that the CR means is not tried again."""
        return next((each for each in self.step.failed if each.revision == self.wanted), None)

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
