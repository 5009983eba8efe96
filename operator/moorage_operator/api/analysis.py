"""When a candidate counts as good, as bad, or as not told yet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.answering import spanned
from moorage_operator.api.comparing import Compare
from moorage_operator.api.frozen import Frozen, cel, checked, keyed
from moorage_operator.api.share import shared

_Duration = Annotated[str, Field(max_length=32)]
_Share = Annotated[str, Field(max_length=16)]
# The API server casts a bound to 64 bits where the value is whole: a greater one would refuse everything.
_Number = Annotated[float, Field(ge=-(2**53), le=2**53)]
_JudgeName = Annotated[str, Field(min_length=1, max_length=63)]
_NAME = cel(
    "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')", "name must be made of lower-case letters, digits and '-'"
)


class PrometheusQuery(Frozen):
    """A question to a Prometheus server."""

    server: Annotated[str, Field(min_length=1, max_length=63)] = "default"
    """Name of the server in the operator's settings, never a URL. Default: default."""
    query: Annotated[str, Field(min_length=1, max_length=4096)]
    """PromQL that gives one number. {{namespace}}, {{name}}, {{revision}} and {{stableRevision}} are filled in."""


class Metric(Frozen):
    """A number of Prometheus, and the bounds within which the candidate is good."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel("has(self.min) || has(self.max)", "a metric needs min, max or both, or it judges nothing", path=".max"),
            cel(
                "!has(self.min) || !has(self.max) || self.min <= self.max",
                "min must not be greater than max",
                path=".min",
            ),
        )
    )

    name: _JudgeName = Field(json_schema_extra=checked(_NAME))
    """Name of the metric, as the status tells it."""
    prometheus: PrometheusQuery
    """Where the number comes from."""
    min: _Number | None = None
    """Smallest good number. Default: no bound."""
    max: _Number | None = None
    """Largest good number. Default: no bound."""


class Webhook(Frozen):
    """A judge of your own: gets the judgement so far by POST, answers {"verdict": "Pass", "message": "..."}."""

    name: _JudgeName = Field(json_schema_extra=checked(_NAME))
    """Name of the judge, as the status tells it."""
    url: Annotated[str, Field(min_length=8, max_length=2048)] = Field(
        json_schema_extra=checked(
            cel("self.startsWith('http://') || self.startsWith('https://')", "url must begin with http:// or https://")
        )
    )
    """Address that is asked; its host must be among the hosts that the operator's settings allow."""
    timeout: _Duration = Field(
        default="5s", json_schema_extra=checked(*spanned("timeout", "100ms", "30s", "500ms, 5s or 30s"))
    )
    """How long the answer may take; a late one counts as Inconclusive. 100ms to 30s. Default: 5s."""


class Analysis(Frozen):
    """Comparison of the candidate with the stable version on the same traffic. {}: the defaults."""

    interval: _Duration = Field(
        default="10s", json_schema_extra=checked(*spanned("interval", "1s", "1h", "5s, 10s or 1m"))
    )
    """Time between two judgements. 1s to 1h. Default: 10s."""
    min_samples: Annotated[int, Field(ge=0, le=10_000_000)] = 200
    """Requests of a step that the candidate must have been asked before it can Pass; below that the judgement is
    Inconclusive, unless the candidate is surely worse already. Default: 200."""
    warm_up: _Duration = Field(default="5s", json_schema_extra=checked(*spanned("warmUp", "0s", "1h", "0s, 5s or 1m")))
    """Time at the beginning of each step that is left out: caches fill, connections open. Default: 5s."""
    max_error_rate: _Share = Field(default="1%", json_schema_extra=checked(shared("maxErrorRate")))
    """Share of the candidate's requests that may fail, unless the stable version fails as often. Failing surely more
    often than the stable version is a Fail as well. Default: 1%."""
    max_latency_ratio: Annotated[float, Field(ge=1, le=1000)] = 1.5
    """How many times as long as the stable version the candidate may take, at latencyQuantile. Default: 1.5."""
    latency_quantile: Annotated[float, Field(ge=50, le=99)] = 95
    """Percent of the requests that are faster than the latency that is compared, for example 99. Default: 95."""
    max_disagreement: _Share = Field(default="10%", json_schema_extra=checked(shared("maxDisagreement")))
    """Share of the compared answers that may differ from the stable version's. 100% for models that are meant to answer
    differently. Default: 10%."""
    failure_limit: Annotated[int, Field(ge=1, le=100)] = 2
    """Judgements in a row that say Fail before the candidate is rolled back. What cannot wait (nothing but errors, pods
    that crash) rolls back at once. Default: 2."""
    on_inconclusive: Literal["hold", "promote", "abort"] = "hold"
    """What happens when a step is still Inconclusive after rollout.maxHold: hold waits for a person, promote goes on,
    abort rolls back. Default: hold."""
    compare: Compare = Compare()
    """Which answers are compared. Default: every answer of the candidate."""
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = Field(default=(), json_schema_extra=keyed("name"))
    """Numbers of Prometheus that must be within bounds as well."""
    webhooks: Annotated[tuple[Webhook, ...], Field(max_length=8)] = Field(default=(), json_schema_extra=keyed("name"))
    """Judges of your own."""
