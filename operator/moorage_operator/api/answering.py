"""How requests are answered: together, from memory, to whom, and with which line in the log."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from moorage_operator.api import duration
from moorage_operator.api.frozen import IS_QUANTITY, Frozen, ObjectName, Quantity, cel, checked


def spanned(field: str, low: str, high: str, example: str) -> tuple[dict[str, str], dict[str, str]]:
    """The two rules of a duration: that it is one, and that it lies between `low` and `high`."""
    is_one = f"self.matches(r'{duration.PATTERN}')"
    return (
        cel(is_one, f"{field} must be a duration such as {example}"),
        cel(
            f"!{is_one} || (duration(self) >= duration('{low}') && duration(self) <= duration('{high}'))",
            f"{field} must be at least {low} and at most {high}",
        ),
    )


def sized(field: str, low: str, high: str) -> tuple[dict[str, str], dict[str, str]]:
    """The two rules of an amount of bytes: that it is a quantity, and that it lies between `low` and `high`."""
    amount = "quantity(string(self))"
    return (
        IS_QUANTITY,
        cel(
            f"!isQuantity(string(self)) || ({amount}.compareTo(quantity('{low}')) >= 0"
            f" && {amount}.compareTo(quantity('{high}')) <= 0)",
            f"{field} must be at least {low} and at most {high}, for example 8Mi",
        ),
    )


class Batcher(Frozen):
    """Runs requests together. {}: what has arrived anyway, up to 64 rows, without waiting for more."""

    max_batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Rows of one run at most, for example 32; 1 runs every request alone. 1 to 4096. Default: 64."""
    max_latency: Annotated[str, Field(max_length=32)] = Field(
        default="0s", json_schema_extra=checked(*spanned("maxLatency", "0s", "1s", "0s, 1ms or 5ms"))
    )
    """How long a request may wait for company; 0s waits for none. A duration: 0s, 1ms, 5ms; at most 1s. Default: 0s."""


class Cache(Frozen):
    """Remembers answers, by the artifact's digest and the request's tensors. Errors are never remembered."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "!has(self.secretName) || has(self.backend)",
                "secretName holds the credentials of a backend; name the backend, or remove secretName",
                path=".secretName",
            )
        )
    )

    max_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Answers that are kept at most, for example 5000; the one unused longest goes first. 1 to 1000000. Default:
    10000."""
    ttl: Annotated[str, Field(max_length=32)] = Field(
        default="60s", json_schema_extra=checked(*spanned("ttl", "1s", "168h", "30s, 10m or 24h"))
    )
    """How long an answer is kept. A duration: 30s, 10m, 24h; 1s to 168h (seven days). Default: 60s."""
    max_bytes: Quantity | None = Field(default=None, json_schema_extra=checked(*sized("maxBytes", "1Ki", "16Gi")))
    """Memory of requests and answers together, for example 256Mi; with a backend: of one answer. It counts towards the
    pod's memory limit. 1Ki to 16Gi. Default: 64Mi."""
    backend: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        default=None,
        json_schema_extra=checked(
            cel(
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "backend must be the name of a cache in the operator's settings (lower-case letters, digits and -), "
                "never a URL",
            )
        ),
    )
    """Name, in the operator's settings, of the Redis server that all pods share, for example default. Default: each pod
    remembers in its own memory."""
    secret_name: ObjectName | None = None
    """Name of a Secret of this namespace with the credentials of the backend, in the keys username and password (or
    password alone), for example redis-credentials."""


class Auth(Frozen):
    """Who may ask: whoever sends one of the keys, as a bearer token or in the header x-api-key."""

    secret_name: ObjectName
    """Name of a Secret of this namespace whose values are the accepted keys, one in each entry, for example
    fraud-api-keys. Changing it needs no restart: add the new key, move the clients, remove the old one. The pods are
    not ready before it exists."""


class AccessLog(Frozen):
    """Lines in the log of the pods, one for each request, as JSON."""

    percent: Annotated[float, Field(ge=0, le=100)] = 0
    """Percent of the requests that are logged, for example 0.1; 100 logs each one. Default: 0."""
