"""One number of a Prometheus server, by its HTTP API: an instant query.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/ . Servers are named in the operator's settings; a
resource only names one. What a server cannot tell is `Inconclusive`, never good and never bad.
"""

from __future__ import annotations

import json
import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from moorage_operator.api.analysis import Metric
from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Verdict
from moorage_operator.bounded import read_whole
from moorage_operator.credentials import authorization

MAX_ANSWER = 2**20
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class PrometheusServer:
    """One server of the settings. `credentials`: the folder with its files; `timeout`: seconds for one query."""

    name: str
    url: str
    credentials: Path
    timeout: float = 5.0
    ca_file: Path | None = None


class NoNumberError(Exception):
    """The server gave none; the message says why."""


def filled_in(query: str, values: Mapping[str, str]) -> str:
    """The query with {{namespace}} and the like replaced. Raises NoNumberError for a placeholder that nobody knows."""
    unknown = {name for name in _PLACEHOLDER.findall(query) if name not in values}
    if unknown:
        raise NoNumberError(f"the query has {{{{{min(unknown)}}}}}; known are {', '.join(sorted(values))}")
    return _PLACEHOLDER.sub(lambda found: values[found[1]], query)


async def judge_metric(
    session: aiohttp.ClientSession, server: PrometheusServer | None, metric: Metric, values: Mapping[str, str]
) -> Check:
    """The metric, held against its bounds. `values`: of the placeholders. Raises nothing."""
    name = metric.name
    if server is None:
        told = f"metric {name}: the operator's settings have no Prometheus server {metric.prometheus.server!r}"
        return Check(name, Verdict.INCONCLUSIVE, message=told)
    try:
        number = await _number(session, server, filled_in(metric.prometheus.query, values))
    except NoNumberError as error:
        return Check(name, Verdict.INCONCLUSIVE, message=f"metric {name}: {error}")
    return _bounded(name, metric, number)


def _bounded(name: str, metric: Metric, number: float) -> Check:
    low = metric.min if metric.min is not None else -math.inf
    high = metric.max if metric.max is not None else math.inf
    if low <= number <= high:
        return Check(name, Verdict.PASS, candidate=number, limit=metric.max, message=f"metric {name} is {number:g}")
    bound, word = (metric.max, "most") if number > high else (metric.min, "least")
    return Check(
        name,
        Verdict.FAIL,
        candidate=number,
        limit=bound,
        message=f"metric {name} is {number:g}, at {word} {bound:g}",
        reason=Reason.METRIC_FAILED,
    )


async def _number(session: aiohttp.ClientSession, server: PrometheusServer, query: str) -> float:
    try:
        code, text = await _fetch(session, server, query)
    except TimeoutError as error:
        raise NoNumberError(f"Prometheus {server.name!r} gave no answer within {server.timeout:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoNumberError(f"Prometheus {server.name!r} cannot be asked ({type(error).__name__})") from error
    return _only_number(server.name, code, text)


async def _fetch(session: aiohttp.ClientSession, server: PrometheusServer, query: str) -> tuple[int, bytes]:
    headers = {"Accept": "application/json"}
    if credential := authorization(server.credentials):
        headers["Authorization"] = credential
    trust = ssl.create_default_context(cafile=server.ca_file) if server.ca_file else True
    # POST: a query may be longer than a URL may be. A redirect could lead the credential elsewhere.
    async with session.post(
        f"{server.url.rstrip('/')}/api/v1/query",
        data={"query": query},
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=server.timeout),
        ssl=trust,
        allow_redirects=False,
    ) as answer:
        return answer.status, await read_whole(answer, MAX_ANSWER) or b""


def _only_number(server: str, code: int, text: bytes) -> float:
    data = _json_object(text)
    if data.get("status") != "success":
        # Its own words could repeat what the query found; the kind of error says enough.
        kind = str(data.get("errorType") or "no JSON of its API")[:40]
        raise NoNumberError(f"Prometheus {server!r} answered {code} ({kind})")
    return _value(data.get("data"))


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _value(data: Any) -> float:
    match data:
        case {"resultType": "scalar", "result": [_, str(text)]}:
            return _read(text)
        case {"resultType": "vector", "result": [{"value": [_, str(text)]}]}:
            return _read(text)
        case {"resultType": "vector", "result": []}:
            raise NoNumberError("the query found nothing")
        case {"resultType": "vector", "result": [*series]}:
            raise NoNumberError(f"the query gives {len(series)} series; aggregate them to one number")
    raise NoNumberError("the query gives no number; it must be an instant vector of one series, or a scalar")


def _read(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise NoNumberError(f"the query gives {text[:20]}")
    return number
