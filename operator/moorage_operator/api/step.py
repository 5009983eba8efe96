"""Records of a rollout: what is seen of each revision, and which step comes next. Integers, flags and times only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from moorage_operator.api.judgement import Judgement


class Phase(StrEnum):
    """Where a rollout stands."""

    RESOLVING = "Resolving"
    LOADING = "Loading"
    SCALING = "Scaling"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    SWITCHING = "Switching"
    STEADY = "Steady"


class Role(StrEnum):
    """What a revision does, as the route table calls it."""

    STABLE = "stable"
    CANDIDATE = "candidate"
    SHADOW = "shadow"
    ARM = "arm"
    RETIRING = "retiring"


@dataclass(frozen=True, slots=True)
class RevisionState:
    """One revision as it is now.

    `desired`: the Deployment's `spec.replicas`, None when there is no Deployment. `pods`, `ready`: its pods that are
    not going away; a ready one answered its test inference and carries the pinned digest. `mute`: pods that were up
    and answer their own test request no more. `digest`: the pin, once known. `address`: `host:port` of the revision's
    own Service, once it has one.
    """

    revision: str
    version: str
    artifact_uri: str
    digest: str | None = None
    desired: int | None = None
    pods: int = 0
    ready: int = 0
    mute: int = 0
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How many replicas the CR asks for. `scaled`: an autoscaler moves the stable one between both."""

    minimum: int
    maximum: int
    scaled: bool


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step. `weight`, `shadow`: percent of the traffic, and of copies. `hold`: seconds from its acknowledgement."""

    weight: int
    shadow: float = 0.0
    hold: float = 0.0
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a candidate comes in; 100 percent is implied at the end. Times in seconds.

    `lenient`: a step that cannot be judged counts as good once its hold is over, and a stable revision that answers
    nobody is replaced at once. `on_inconclusive`: hold, promote or abort, when `max_hold` is over.
    """

    steps: tuple[PlannedStep, ...] = (PlannedStep(100, hold=10.0),)
    lenient: bool = True
    paused: bool = False
    interval: float = 10.0
    max_hold: float = 1800.0
    on_inconclusive: str = "hold"

    def to_half(self, number: int, weight: int) -> bool:
        """Whether a candidate that has `weight` percent in step `number`, counted from 1, gets half or more next."""
        following = self.steps[number].weight if 0 <= number < len(self.steps) else 100
        return weight < HALF <= following


HALF = 50
"""Percent of the traffic: who gets as much must be known better."""
AT_ONCE = Plan()


@dataclass(frozen=True, slots=True)
class Intents:
    """What people ask for by annotation, each naming the revision that it is about."""

    promote: str | None = None
    abort: str | None = None
    retry: str | None = None
    pause: str | None = None
    undo: str | None = None


NOTHING_ASKED = Intents()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was made of one intent. `word`: Done, Waiting, Stale or Used; a stale or used one does nothing any more."""

    name: str
    value: str
    word: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A revision that was rolled back. `intent`: a hash of what the spec said then; while it says the same, and means
    the same version, the revision is not tried again.
    """

    revision: str
    version: str
    reason: str
    message: str
    at: datetime
    intent: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a candidate has come.

    `step`: counted from 1, 0 before the first, one more than there are: promotion. `weight`: percent that it was last
    given. `since`: when every stable pod was seen to follow the step. `judged_since`: since when it is judged by what
    it gets, also while the next step is prepared. `patience_since`: since when `max_hold` counts, None while paused.
    `approved`: the last step whose pause a person ended; `promoted`: a person wants it all at once. `withdrawn`: how
    often its traffic was taken away because no pod of it answered, `lost_since` when that was. `floor`: pods that the
    stable revision keeps meanwhile. `down_since`: since when the stable revision answers nobody. `path`: names the
    steps up to this one.
    """

    step: int = 0
    weight: int = 0
    since: datetime | None = None
    judged_since: datetime | None = None
    patience_since: datetime | None = None
    approved: int = 0
    promoted: bool = False
    withdrawn: int = 0
    lost_since: datetime | None = None
    floor: int = 0
    down_since: datetime | None = None
    path: str = ""

    @property
    def begun(self) -> bool:
        """Whether it is on trial: in a step, or with a share that it kept from a plan that was changed."""
        return self.step > 0 or self.weight > 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last pass wrote down."""

    stable: str | None = None
    candidate: str | None = None
    phase: Phase = Phase.RESOLVING
    since: datetime | None = None
    retiring: Mapping[str, datetime] = field(default_factory=dict)
    stable_replicas: int = 0
    progress: Progress = Progress()
    judgement: Judgement | None = None
    failed: tuple[Failure, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """The route table as it stands: percent by revision, and of copies. `acked`: every stable pod that can get traffic
    says that it follows it.
    """

    weights: Mapping[str, int] = field(default_factory=dict)
    shadow: float = 0.0
    acked: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """A revision that stands beside the stable one for as long as the spec says: a shadow, or an arm of an A/B test.

    `percent`: of the copies, or of the clients. `fits`: whether it takes and gives what the stable revision does.
    """

    role: Role
    name: str
    percent: float
    fits: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the next step depends on.

    `wanted`: the revision that the CR means now, None while that is not known. `revisions`: all that can be run, the
    wanted one included. `selected`: the revision that the public Service selects. `judgement`: of the candidate in this
    step, None before the first. `meaning`: a hash of what the spec says. `previous`: revisions that served, the newest
    first. `misfit`: why the candidate's schema does not fit the stable one's. `deadline_seconds`: that a candidate may
    take to answer. `companions`: by revision. `places`: percent of the clients by arm, whoever answers them.
    """

    wanted: str | None
    revisions: Mapping[str, RevisionState]
    selected: str | None
    size: Size
    memory: Memory
    now: datetime
    retire_seconds: float = 30.0
    plan: Plan = AT_ONCE
    routed: Routed = Routed()
    judgement: Judgement | None = None
    intents: Intents = NOTHING_ASKED
    meaning: str = ""
    previous: tuple[str, ...] = ()
    misfit: str | None = None
    deadline_seconds: float = 600.0
    companions: Mapping[str, Companion] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What should be true next.

    `replicas`: by revision that stays, None where an autoscaler owns the number; `floors`: the least that it may
    choose. `weights`: percent of the traffic by revision, `shadow`: of copies. `target`: the revision that the public
    Service should select. `removed`: revisions to delete. `patient`: the phase may last as long as it likes. `stuck`:
    the step cannot be judged, and nobody said what then. `note`: what it waits for. `candidate_copies`: the copies
    are the candidate's. `places`: percent of the clients by arm, whoever answers them. `candidate_arm`: the arm whose
    model the candidate is; its clients stay with it. `rescues`: the candidate takes the place of a stable revision that
    answers nobody. `dark`: why it does not. `look_again`: seconds until time alone changes the step.
    """

    stable: str | None
    candidate: str | None
    retiring: Mapping[str, datetime]
    removed: frozenset[str]
    replicas: Mapping[str, int | None]
    target: str | None
    phase: Phase
    since: datetime
    look_again: float | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    shadow: float = 0.0
    progress: Progress = Progress()
    floors: Mapping[str, int] = field(default_factory=dict)
    failed: tuple[Failure, ...] = ()
    answers: tuple[Answer, ...] = ()
    patient: bool = False
    stuck: bool = False
    note: str = ""
    companions: Mapping[str, Companion] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    candidate_arm: str | None = None
    candidate_copies: bool = False
    rescues: bool = False
    dark: str = ""

    def roles(self) -> dict[str, Role]:
        """The role of each revision that stays."""
        roles = dict.fromkeys(self.retiring, Role.RETIRING)
        roles |= {name: each.role for name, each in self.companions.items()}
        if self.candidate is not None:
            roles[self.candidate] = Role.CANDIDATE
        if self.stable is not None:
            roles[self.stable] = Role.STABLE
        return roles
