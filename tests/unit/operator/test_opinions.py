"""Judges beside the pods: a Prometheus as its documentation says it answers, and webhooks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.unit.operator.asking import Answering, listening, never, saying

from moorage_operator.api.analysis import Analysis, Metric, PrometheusQuery, Webhook
from moorage_operator.api.judgement import Check, Verdict
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.opinions.panel import Panel
from moorage_operator.opinions.prometheus import NoNumberError, PrometheusServer, filled_in, judge_metric
from moorage_operator.opinions.webhook import allowed, judge_by_webhook

VALUES = {"namespace": "risk", "name": "fraud", "revision": "bbbbbbbbbb", "stableRevision": "aaaaaaaaaa"}
QUERY = 'sum(rate(moorage_x{namespace="{{namespace}}", revision="{{ revision }}"}[1m]))'
OWNER: dict[str, Any] = {
    "metadata": {"name": "fraud", "namespace": "risk", "uid": "u"},
    "spec": {"model": {"storageUri": "s3://b/1"}},
    "status": {
        "stable": {"revision": "aaaaaaaaaa", "version": "3", "artifactUri": "s3://b/1"},
        "candidate": {"revision": "bbbbbbbbbb", "version": "4", "artifactUri": "s3://b/2"},
        "rollout": {"phase": "Progressing", "since": "2026-01-01T00:00:00Z", "step": 1, "totals": "{}"},
    },
}


def success(kind: str, result: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def vector(*numbers: str) -> str:
    return success("vector", [{"metric": {}, "value": [1.5, number]} for number in numbers])


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(trust_env=False) as made:
        yield made


def metric(low: float | None = None, high: float | None = None, query: str = QUERY) -> Metric:
    return Metric(name="revenue", prometheus=PrometheusQuery(query=query), min=low, max=high)


async def judged(
    session: aiohttp.ClientSession, answer: Answering, folder: Path, asked: Metric, patience: float = 5.0
) -> tuple[Check, list[tuple[str, str, dict[str, str], Any]]]:
    async with listening(answer) as server:
        source = PrometheusServer("default", server.url, folder, timeout=patience)
        return await judge_metric(session, source, asked, VALUES), server.asked


@pytest.mark.parametrize(
    ("answer", "low", "high", "verdict", "message"),
    [
        (vector("1.5"), 1.0, 2.0, Verdict.PASS, "metric revenue is 1.5"),
        (vector("2.0"), None, 2.0, Verdict.PASS, "metric revenue is 2"),
        (vector("2.5"), 1.0, 2.0, Verdict.FAIL, "metric revenue is 2.5, at most 2"),
        (vector("0.5"), 1.0, None, Verdict.FAIL, "metric revenue is 0.5, at least 1"),
        (success("scalar", [1, "7"]), None, 8.0, Verdict.PASS, "metric revenue is 7"),
        (vector(), 1.0, 2.0, Verdict.INCONCLUSIVE, "metric revenue: the query found nothing"),
        (vector("NaN"), 1.0, 2.0, Verdict.INCONCLUSIVE, "metric revenue: the query gives NaN"),
        (vector("+Inf"), 1.0, 2.0, Verdict.INCONCLUSIVE, "metric revenue: the query gives +Inf"),
        (
            vector("1", "2"),
            1.0,
            2.0,
            Verdict.INCONCLUSIVE,
            "metric revenue: the query gives 2 series; aggregate them to one number",
        ),
        (
            success("matrix", []),
            1.0,
            2.0,
            Verdict.INCONCLUSIVE,
            "metric revenue: the query gives no number; it must be an instant vector of one series, or a scalar",
        ),
    ],
)
async def test_a_number_is_held_against_its_bounds(
    session: aiohttp.ClientSession,
    tmp_path: Path,
    answer: str,
    low: float | None,
    high: float | None,
    verdict: Verdict,
    message: str,
) -> None:
    told, asked = await judged(session, saying(answer), tmp_path, metric(low, high))
    assert (told.name, told.verdict, told.message) == ("revenue", verdict, message)
    assert told.reason == ("MetricFailed" if verdict is Verdict.FAIL else None)
    ((method, path, _, form),) = asked
    assert (method, path) == ("POST", "/api/v1/query")
    assert form["query"] == 'sum(rate(moorage_x{namespace="risk", revision="bbbbbbbbbb"}[1m]))'


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            saying('{"status": "error", "errorType": "bad_data", "error": "parse error near secret"}', 400),
            "metric revenue: Prometheus 'default' answered 400 (bad_data)",
        ),
        (saying("<html>", 502), "metric revenue: Prometheus 'default' answered 502 (no JSON of its API)"),
        (saying("[]"), "metric revenue: Prometheus 'default' answered 200 (no JSON of its API)"),
        (saying("[" * 100_000), "metric revenue: Prometheus 'default' answered 200 (no JSON of its API)"),
        (
            saying("", 302, Location="http://127.0.0.1:1/"),
            "metric revenue: Prometheus 'default' answered 302 (no JSON of its API)",
        ),
        (never, "metric revenue: Prometheus 'default' gave no answer within 0.2 s"),
    ],
    ids=["its error", "no API", "no object", "a bomb", "a redirect", "silence"],
)
async def test_a_server_that_cannot_tell_leaves_it_open(
    session: aiohttp.ClientSession, tmp_path: Path, answer: Answering, message: str
) -> None:
    told, _ = await judged(session, answer, tmp_path, metric(high=1.0), patience=0.2 if answer is never else 5.0)
    assert (told.verdict, told.message) == (Verdict.INCONCLUSIVE, message)


async def test_a_server_that_is_not_there_leaves_it_open(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    source = PrometheusServer("default", "http://127.0.0.1:1", tmp_path)
    told = await judge_metric(session, source, metric(high=1.0), VALUES)
    assert told.message == "metric revenue: Prometheus 'default' cannot be asked (ClientConnectorError)"
    told = await judge_metric(session, None, metric(high=1.0), VALUES)
    assert told.message == "metric revenue: the operator's settings have no Prometheus server 'default'"
    assert told.verdict is Verdict.INCONCLUSIVE


async def test_credentials_are_files_of_the_operator(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    _, asked = await judged(session, saying(vector("1")), tmp_path, metric(high=1.0))
    assert asked[0][2]["Authorization"] == "Bearer t0ken"


def test_a_placeholder_that_nobody_knows_is_named() -> None:
    with pytest.raises(NoNumberError, match=r"the query has \{\{pod\}\}; known are name, namespace, revision"):
        filled_in("x{{pod}}", VALUES)


@pytest.mark.parametrize(
    ("url", "hosts", "expected"),
    [
        ("https://gate.example.com/judge", ["gate.example.com"], True),
        ("https://GATE.example.com./judge", ["gate.example.com"], True),
        ("http://gate.ml.svc:8080/", ["*.ml.svc:8080"], True),
        ("http://gate.ml.svc:8080/", ["*.ml.svc"], False),
        ("http://gate.ml.svc/", ["*.ml.svc:8080"], False),
        ("https://ml.svc/", ["*.ml.svc"], False),
        ("https://evil-example.com/", ["*.example.com", "example.com"], False),
        ("https://gate.example.com@evil.com/", ["gate.example.com"], False),
        ("https://user:pass@gate.example.com/", ["gate.example.com"], False),
        ("https://gate.example.com:99999/", ["gate.example.com"], False),
        ("file:///etc/passwd", [""], False),
        ("http://169.254.169.254/latest", [], False),
        ("http://[::1", ["*"], False),
    ],
)
def test_only_hosts_of_the_settings_are_called(url: str, hosts: list[str], expected: bool) -> None:
    assert allowed(url, hosts) is expected


async def asked_webhook(
    session: aiohttp.ClientSession, answer: Answering, patience: str = "5s"
) -> tuple[Check, list[tuple[str, str, dict[str, str], Any]]]:
    async with listening(answer) as server:
        webhook = Webhook(name="gate", url=f"{server.url}/judge", timeout=patience)
        return await judge_by_webhook(session, [f"127.0.0.1:{server.port}"], webhook, {"name": "fraud"}), server.asked


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_webhook_has_its_say(session: aiohttp.ClientSession, verdict: Verdict) -> None:
    told, asked = await asked_webhook(session, saying(json.dumps({"verdict": verdict, "message": "so\nit is"})))
    assert (told.verdict, told.message) == (verdict, "webhook gate says so it is")
    assert told.reason == ("WebhookFailed" if verdict is Verdict.FAIL else None)
    ((method, path, headers, body),) = asked
    assert (method, path, json.loads(body)) == ("POST", "/judge", {"name": "fraud"})
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (saying("{}"), 'webhook gate gave no {"verdict": "Pass", "Fail" or "Inconclusive"}'),
        (saying('{"verdict": "pass"}'), 'webhook gate gave no {"verdict": "Pass", "Fail" or "Inconclusive"}'),
        (saying('["Pass"]'), 'webhook gate gave no {"verdict": "Pass", "Fail" or "Inconclusive"}'),
        (saying("x" * 100_000), 'webhook gate gave no {"verdict": "Pass", "Fail" or "Inconclusive"}'),
        (saying('{"verdict": "Pass"}', 500), "webhook gate answered 500"),
        (saying("", 307, Location="http://127.0.0.1:1/"), "webhook gate answered 307"),
        (never, "webhook gate gave no answer within 200ms"),
    ],
)
async def test_a_webhook_that_says_nothing_of_use_leaves_it_open(
    session: aiohttp.ClientSession, answer: Answering, message: str
) -> None:
    told, _ = await asked_webhook(session, answer, "200ms" if answer is never else "5s")
    assert (told.verdict, told.message) == (Verdict.INCONCLUSIVE, message)


async def test_a_webhook_of_another_host_is_not_called(session: aiohttp.ClientSession) -> None:
    async with listening(saying('{"verdict": "Pass"}')) as server:
        webhook = Webhook(name="gate", url=f"{server.url}/judge")
        told = await judge_by_webhook(session, ["example.com"], webhook, {})
    assert (told.verdict, server.asked) == (Verdict.INCONCLUSIVE, [])
    assert told.message.startswith("webhook gate: the operator's settings (webhooks.allowedHosts) do not let it call")


async def test_the_panel_asks_everybody_in_order(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    owner = ModelDeployment.model_validate(OWNER)
    async with listening(saying(vector("1"))) as source, listening(saying('{"verdict": "Fail"}')) as gate:
        servers = {"default": PrometheusServer("default", source.url, tmp_path)}
        panel = Panel(session, servers, (f"127.0.0.1:{gate.port}",))
        analysis = Analysis(metrics=(metric(high=2.0),), webhooks=(Webhook(name="gate", url=gate.url),))
        told = await panel.opinions(owner, analysis)
    assert [(each.name, each.verdict) for each in told] == [("revenue", Verdict.PASS), ("gate", Verdict.FAIL)]
    known = json.loads(gate.asked[0][3])
    assert (known["name"], known["revision"], known["version"], known["stableVersion"]) == (
        "fraud",
        "bbbbbbbbbb",
        "4",
        "3",
    )
    assert known["rollout"] == {"phase": "Progressing", "since": "2026-01-01T00:00:00Z", "step": 1}
