"""The status of a `ModelDeployment`: what is so, written whole by the operator and by nobody else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage_operator.api.frozen import ATOMIC, Told, keyed

_Word = Annotated[str, Field(max_length=64)]
_Uri = Annotated[str, Field(max_length=4096)]
_Version = Annotated[str, Field(max_length=1024)]
_Digest = Annotated[str, Field(max_length=128)]
_Text = Annotated[str, Field(max_length=4096)]
_Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]
# The API server casts a bound to 64 bits where the value is whole: a greater one would refuse everything.
GREATEST = 2**53
_Number = Annotated[float, Field(ge=-GREATEST, le=GREATEST)]
_Count = Annotated[int, Field(ge=0)]
MOST_RETIRING = 64
MOST_CHECKS = 32


class Condition(Told):
    """As metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """What is judged, for example Ready."""
    status: Literal["True", "False", "Unknown"]
    """The verdict."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one word; docs/reference/conditions.md lists them all with their cures."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, in a sentence that says what to do."""
    last_transition_time: _Time
    """When status last changed."""
    observed_generation: Annotated[int, Field(ge=-1)]
    """metadata.generation that the verdict is about."""


class RevisionStatus(Told):
    """One revision."""

    revision: _Word
    """Short hash that names the revision, its Deployment and its Service."""
    version: _Version
    """Version of the model, as the registry calls it."""
    artifact_uri: _Uri
    """Where the artifact lies."""
    digest: _Digest | None = None
    """sha256 over the artifact's files, pinned at the first load."""
    replicas: _Count = 0
    """Pods that exist."""
    ready_replicas: _Count = 0
    """Pods that answered their test request and serve."""


class CheckStatus(Told):
    """One check of a judgement, with its numbers."""

    name: _Word
    """What was compared: errors, latency, disagreement, or the name of a metric or webhook."""
    verdict: _Word
    """Pass, Fail or Inconclusive."""
    candidate: _Number | None = None
    """The candidate's number."""
    stable: _Number | None = None
    """The stable revision's number in the same window."""
    limit: _Number | None = None
    """The bound that the candidate's number must keep."""
    samples: _Count = 0
    """Requests that the number is made of."""
    message: _Text = ""
    """The same in words."""


class JudgementStatus(Told):
    """The last comparison of the candidate with the stable revision."""

    verdict: _Word
    """Pass, Fail or Inconclusive."""
    at: _Time
    """When it was made."""
    reason: _Word | None = None
    """Why it is a Fail, in one word."""
    message: _Text = ""
    """What led to it."""
    failures: _Count = 0
    """Judgements in a row that said Fail."""
    checks: Annotated[tuple[CheckStatus, ...], Field(max_length=MOST_CHECKS)] = Field(
        default=(), json_schema_extra=ATOMIC
    )
    """The checks, each with its numbers."""
    samples: Annotated[tuple[_Text, ...], Field(max_length=8)] = Field(default=(), json_schema_extra=ATOMIC)
    """A few answers that differed from the stable revision's, without inputs."""


class RolloutStatus(Told):
    """Where the rollout stands, and since when."""

    phase: _Word
    """Resolving, Loading, Scaling, Progressing, Paused, Promoting, Switching or Steady."""
    since: _Time
    """When the phase began."""
    step: _Count | None = None
    """The step in force, counted from 1."""
    steps: _Count | None = None
    """How many steps there are."""
    traffic_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Percent of the requests that go to the candidate."""
    step_since: _Time | None = None
    """Since when every pod of the stable revision follows the step."""
    judged_since: _Time | None = None
    """Since when the candidate is judged by what it gets, also while the next step is prepared."""
    patience_since: _Time | None = None
    """Since when rollout.maxHold counts: from stepSince, or from the end of a pause."""
    path: _Word | None = None
    """Hash of the steps up to this one: if they are changed, the candidate keeps its share and goes through them."""
    approved: _Count | None = None
    """The last step whose pause a person ended."""
    promoted: bool | None = None
    """Whether a person asked for all of the traffic at once."""
    withdrawn: _Count | None = None
    """How often the candidate's traffic was taken away because none of its pods answered."""
    lost_since: _Time | None = None
    """When that was the last time, while none answers."""
    stable_size: _Count | None = None
    """Pods of the stable revision below which it does not go while the rollout lasts."""
    stable_down_since: _Time | None = None
    """Since when no pod of the stable revision answers."""
    judgement: JudgementStatus | None = None
    """The last judgement."""
    totals: Annotated[str, Field(max_length=32768)] | None = None
    """What was counted in this step of both revisions, as compact JSON."""


class FailedRevision(Told):
    """A revision that was rolled back; it is not tried again until the spec, the alias or a person says so."""

    revision: _Word
    """Short hash that names the revision."""
    version: _Version
    """Version of the model, as the registry calls it."""
    reason: _Word
    """Why, in one word."""
    message: _Text
    """Why, in a sentence."""
    at: _Time
    """When it was rolled back."""
    intent: _Word
    """Hash of what the spec said then, without its replicas."""


class IntentStatus(Told):
    """What an annotation asked for, and what was made of it."""

    name: _Word
    """The annotation without its prefix: promote, abort, retry, pause or undo."""
    value: _Word
    """The revision that it names."""
    answer: _Word
    """Done, Waiting, Stale or Used."""
    message: _Text
    """What was made of it, in a sentence."""


class RetiringStatus(Told):
    """A revision that no longer gets traffic, and since when."""

    revision: _Word
    """Short hash that names the revision."""
    since: _Time
    """When its traffic ended."""


class HistoryEntry(Told):
    """A revision that was served, and when it became so."""

    revision: _Word
    """Short hash that names the revision."""
    version: _Version
    """Version of the model, as the registry calls it."""
    artifact_uri: _Uri
    """Where the artifact lies."""
    digest: _Digest | None = None
    """sha256 over the artifact's files."""
    promoted_at: _Time
    """When it began to serve."""


class ResolvedModel(Told):
    """What `spec.model.storageUri` meant at the last look into the registry that `registry` names."""

    storage_uri: _Uri
    """The URI that was looked up."""
    version: _Version
    """The version it meant."""
    artifact_uri: _Uri
    """Where that version's artifact lies."""
    registry: Annotated[str, Field(max_length=63)] = "default"
    """Name of the registry that was asked."""


class GuestCounts(Told):
    """What the pods of the version that serves have counted of a guest since they started, as their metrics do."""

    at: _Time
    """When they were asked; again after analysis.interval (10s without a rollout), while the numbers change."""
    requests: _Count = 0
    """Requests of the arm's clients that it was given; copies that the shadow was given."""
    failed: _Count = 0
    """Those that it failed, refused, or was late with."""
    shielded: _Count = 0
    """Those among them that the version that serves answered instead."""
    held: _Count = 0
    """Requests of the arm's clients that it was not given while it failed, or for want of room."""
    compared: _Count = 0
    """Answers that were compared with those of the version that serves."""
    differing: _Count = 0
    """Those among them that differ."""
    dropped: _Count = 0
    """Copies and comparisons that were left out for want of room, or because nothing could be said."""
    slower_millis: _Number | None = None
    """Milliseconds that it took longer than the version that serves, on average of the compared; below 0: less."""
    samples: Annotated[tuple[_Text, ...], Field(max_length=3)] = Field(default=(), json_schema_extra=ATOMIC)
    """A few answers that differed, without inputs."""


class GuestStatus(Told):
    """A model beside spec.model: the shadow, or an arm of the A/B test."""

    role: _Word
    """shadow or arm."""
    name: _Word
    """Name of the arm; shadow for the shadow."""
    revision: _Word | None = None
    """Short hash that names its revision."""
    model: ResolvedModel | None = None
    """What its storageUri meant at the last answer of the registry."""
    digest: _Digest | None = None
    """sha256 over the artifact's files, pinned at the first load."""
    ready_replicas: _Count = 0
    """Its pods that answered their test request."""
    reason: _Word | None = None
    """What keeps it from standing there, in one word, as in the condition GuestsHealthy; none: it stands."""
    message: _Text | None = None
    """The same in a sentence that says what to do."""
    counts: GuestCounts | None = None
    """What was counted of it; absent before the first request or copy."""


class ModelDeploymentStatus(Told):
    """What is so."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """metadata.generation that this status is about; -1: the operator has not looked yet."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=32)] = Field(
        default=(), json_schema_extra=keyed("type")
    )
    """Verdicts: Ready, Reconciling, Stalled, ArtifactReady, RolloutHealthy, RegistryReachable, SchemaCompatible,
    UpdateAvailable, ScalingActive with autoScaling, and GuestsHealthy with shadow or abTest. Ready=True: a pod answered
    a real request with what serves."""
    url: _Uri | None = None
    """Base URL inside the cluster."""
    version: _Version | None = None
    """Version of the model that serves."""
    traffic: Annotated[str, Field(max_length=4096)] | None = None
    """Which version gets which share of the traffic, in words."""
    replicas: _Count = 0
    """Pods of what serves."""
    ready_replicas: _Count = 0
    """Pods of what serves that are ready."""
    ready: Annotated[str, Field(max_length=32)] | None = None
    """Ready pods of wanted pods, for example 2/3."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Label selector of the pods that serve, as /scale tells it to autoscalers."""
    model: ResolvedModel | None = None
    """What the storageUri meant at the last answer of the registry."""
    stable: RevisionStatus | None = None
    """The revision that serves."""
    candidate: RevisionStatus | None = None
    """The revision that is to serve next."""
    rollout: RolloutStatus | None = None
    """Where the rollout stands."""
    retiring: Annotated[tuple[RetiringStatus, ...], Field(max_length=MOST_RETIRING)] = Field(
        default=(), json_schema_extra=ATOMIC
    )
    """Revisions that no longer get traffic but still stand, so that an undo is instant."""
    failed: Annotated[tuple[FailedRevision, ...], Field(max_length=16)] = Field(default=(), json_schema_extra=ATOMIC)
    """Revisions that were rolled back, the newest first."""
    intents: Annotated[tuple[IntentStatus, ...], Field(max_length=8)] = Field(default=(), json_schema_extra=ATOMIC)
    """What was asked for by annotation, and what was made of it."""
    guests: Annotated[tuple[GuestStatus, ...], Field(max_length=16)] = Field(default=(), json_schema_extra=ATOMIC)
    """The shadow, and the arms of the A/B test."""
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=64)] = Field(default=(), json_schema_extra=ATOMIC)
    """Revisions that served, the newest first; as many as spec.revisionHistoryLimit, and the one that serves."""

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type."""
        return next((each for each in self.conditions if each.type == kind), None)
