"""How a new version comes in: by which steps, judged how, shielded or not."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from moorage_operator.api.analysis import Analysis
from moorage_operator.api.answering import spanned
from moorage_operator.api.frozen import ATOMIC, Frozen, cel, checked

_Duration = Annotated[str, Field(max_length=32)]

HEADER = cel(
    "self.matches('^[A-Za-z0-9][-A-Za-z0-9_]*$')", "header must be the name of a header, for example x-user-id"
)
HeaderName = Annotated[str, Field(min_length=1, max_length=128, json_schema_extra=checked(HEADER))]


class StepShadow(Frozen):
    """Copies of what the stable version answers, sent to the candidate; its answers are compared and thrown away."""

    percent: Annotated[float, Field(gt=0, le=100)]
    """Percent of the stable version's requests that are copied, for example 20."""


class RolloutStep(Frozen):
    """One step: a share of the traffic, copies of it, or both; for how long; and whether a person must approve."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "has(self.trafficPercent) || has(self.shadow) || (has(self.pause) && self.pause)",
                "a step needs trafficPercent, shadow or pause: true",
                path=".trafficPercent",
            )
        )
    )

    traffic_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Percent of the requests that the candidate answers. Default: as in the step before."""
    shadow: StepShadow | None = None
    """Copies of the stable version's requests for the candidate, in this step."""
    hold: _Duration = Field(default="0s", json_schema_extra=checked(*spanned("hold", "0s", "720h", "30s, 2m or 1h")))
    """How long the step lasts at least, from the moment at which every pod of the stable version follows it. Default:
    0s: until the judgement is Pass."""
    pause: bool = False
    """Whether the step waits for the annotation moorage.dev/promote: <candidate's revision>@<number of the step>.
    Default: false."""


class Stickiness(Frozen):
    """Keeps a client on one side of the split."""

    header: HeaderName
    """Header whose value decides on which side a request goes: the same value always goes to the same side while the
    candidate's share grows. Requests without it are split at random. Example: x-user-id."""


class Rollout(Frozen):
    """A rollout by steps. {}: one step of 100 percent, judged by the analysis' defaults."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "!has(self.shieldPatience) || self.shield",
                "shieldPatience has no use with shield: false; remove it",
                path=".shieldPatience",
            )
        )
    )

    steps: Annotated[tuple[RolloutStep, ...], Field(max_length=20)] = Field(
        default=(),
        json_schema_extra=ATOMIC
        | checked(
            cel(
                "self.filter(s, has(s.trafficPercent)).map(s, s.trafficPercent).isSorted()",
                "trafficPercent must not fall from one step to the next",
            )
        ),
    )
    """The steps in order; 100 percent is implied at the end. Example: [{trafficPercent: 5, hold: 2m}, {trafficPercent:
    50, hold: 5m}]. Default: one step of 100 percent, held for 10s."""
    paused: bool = False
    """Stops the rollout where it is; a candidate that fails is rolled back all the same. Default: false."""
    stickiness: Stickiness | None = None
    """Keeps a client on one side of the split. Default: every request is drawn anew."""
    shield: bool = True
    """Whether the stable version answers in place of a candidate that fails, or is late, within the request's deadline.
    Default: true."""
    shield_patience: _Duration | None = Field(
        default=None, json_schema_extra=checked(*spanned("shieldPatience", "10ms", "10m", "200ms, 500ms or 2s"))
    )
    """How long the candidate may take before the stable version answers instead. Default: twenty times what 99 of 100
    requests take the stable version, at least 1s. Either is cut to half of what is left of the request's deadline."""
    scale_down_delay: _Duration = Field(
        default="30s", json_schema_extra=checked(*spanned("scaleDownDelay", "0s", "24h", "30s, 5m or 1h"))
    )
    """How long the pods of a version stand on after it was replaced or rolled back. Default: 30s."""
    max_hold: _Duration = Field(
        default="30m", json_schema_extra=checked(*spanned("maxHold", "1s", "720h", "10m, 30m or 24h"))
    )
    """How long a step may stay Inconclusive before analysis.onInconclusive decides. Default: 30m."""
    analysis: Analysis = Analysis()
    """When the candidate counts as good or bad."""
