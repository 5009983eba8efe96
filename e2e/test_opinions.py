"""Judges beside the pods: a real Prometheus that scrapes them, and webhooks that answer from a pod in the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from e2e.conftest import PARTS
from e2e.harness import zoo
from e2e.harness.api import ApiServer, Object
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.judge import open_judge
from e2e.harness.kinds import DEPLOYMENT, POD
from e2e.harness.kstatus import condition
from e2e.harness.kubectl import Kubectl
from e2e.harness.models import Registry
from e2e.harness.patrol import Patrol, Round
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

NAME = "cancer"
HOLD = 8
BEYOND = 4
"""Seconds after the end of the hold at which a step that is still in force is held by its judges."""
SCRAPED = {"metadata": {"annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8081"}}}
OF_CANDIDATE = 'namespace="{{namespace}}", moorage_dev_revision="{{revision}}"'
FAILED_SHARE = (
    f'sum(rate(moorage_requests_total{{{OF_CANDIDATE}, outcome=~"failed|timeout"}}[10s]))'
    f" / sum(rate(moorage_requests_total{{{OF_CANDIDATE}}}[10s]))"
)
"""Of the candidate's answers, by its own count, the share that failed."""
LENIENT = {"maxErrorRate": "100%", "maxDisagreement": "100%", "maxLatencyRatio": 1000}
"""The operator's own checks let pass what these tests bring: it is the others' to find."""


@dataclass(frozen=True)
class Trial:
    """A good version that serves, users of it, and what comes next."""

    room: Room
    registry: Registry
    patrol: Patrol
    model: str
    good: str

    def bring(self, version: str, **judges: Any) -> None:
        """Ask for this version, or say of the one that is on trial who judges it."""
        analysis = {"interval": "1s", "warmUp": "1s", "minSamples": 40, **LENIENT, **judges}
        steps = [{"trafficPercent": 50, "hold": f"{HOLD}s"}]
        rollout = {"steps": steps, "scaleDownDelay": "1s", "maxHold": "5m", "analysis": analysis}
        self.room.deploy(NAME, f"models:/{self.model}/{version}", rollout=rollout, podTemplate=SCRAPED)

    def publish(self, files: dict[str, bytes]) -> str:
        """A new version."""
        return self.registry.publish_files(self.model, files)

    def held(self, version: str, *names: str) -> dict[str, Object]:
        """Wait until a step is over and still in force because these checks are open; all checks by name."""

        def reached(body: Object) -> bool:
            rollout = body["status"].get("rollout", {})
            over = time.time() > _seconds(rollout.get("stepSince")) + HOLD + BEYOND
            return over and {name for name, each in checks(body).items() if each["verdict"] != "Pass"} == set(names)

        body = self.room.wait(NAME, f"{version} held by {' and '.join(names)}", reached)
        rollout = body["status"]["rollout"]
        assert (rollout["phase"], rollout["trafficPercent"]) == ("Progressing", 50)
        assert rollout["judgement"]["verdict"] == "Inconclusive"
        assert body["status"]["version"] == self.good
        return checks(body)

    def promoted(self, version: str) -> None:
        """Wait until this version serves alone."""
        self.room.wait_steady(NAME, version)
        assert not self.room.get(NAME)["status"].get("failed")

    def rolled_back(self, version: str, reason: str) -> str:
        """Wait until this version is told bad for `reason`; the sentence."""
        told = self.room.wait_stalled(NAME, reason)
        (failed,) = told["status"]["failed"]
        assert (failed["version"], failed["reason"]) == (version, reason)
        assert condition(told, "RolloutHealthy")["reason"] == reason
        assert told["status"]["version"] == self.good
        assert condition(told, "Ready")["status"] == "True"
        return str(failed["message"])

    def end(self, figures: Figures, what: str) -> Round:
        """No more users; none of them was refused."""
        answers = self.patrol.stop()
        print(*answers.failures, sep="\n")
        figures.at_most(f"{what}: failed of {answers.sent} requests", answers.failed, 0, "")
        return answers


@pytest.fixture
def trial(room: Room, operator: Installed, registry: Registry, traffic: Traffic, unique: str) -> Iterator[Trial]:
    with ExitStack() as stack:
        version = registry.publish_files(unique, zoo.good())
        room.deploy(NAME, f"models:/{unique}/{version}", podTemplate=SCRAPED)
        room.wait_steady(NAME, version)
        patrol = traffic.patrol(NAME, room.namespace)
        stack.callback(patrol.process.kill)
        yield Trial(room, registry, patrol, unique, version)


def test_a_good_number_of_prometheus_lets_a_version_in(trial: Trial, figures: Figures) -> None:
    better = trial.publish(zoo.good())
    trial.bring(better, metrics=[failures()])
    trial.promoted(better)
    answers = trial.end(figures, "promoted by a metric")
    assert answers.versions[better].count > 0
    seen = [found for moment in trial.room.witnesses[NAME].moments if (found := checks(moment.body).get("failures"))]
    assert {each["verdict"] for each in seen} >= {"Pass"}
    assert all(each["candidate"] == 0 for each in seen if each["verdict"] == "Pass"), seen


def test_a_bad_number_of_prometheus_rolls_back(trial: Trial, figures: Figures) -> None:
    worse = trial.publish(zoo.animals()["fails on 5 % of the rows"].files())
    trial.bring(worse, metrics=[failures()])
    message = trial.rolled_back(worse, "MetricFailed")
    assert message.startswith("Metric failures is 0."), message
    assert message.endswith("at most 0.01"), message
    trial.end(figures, "MetricFailed")


def test_no_number_holds_the_step(trial: Trial, figures: Figures) -> None:
    better = trial.publish(zoo.good())
    nothing, several = 'no_such_metric{namespace="{{namespace}}"}', f"moorage_requests_total{{{OF_CANDIDATE}}}"
    undefined = f"0 * sum(moorage_ready{{{OF_CANDIDATE}}}) / 0"
    queries = {"nothing": nothing, "several": several, "undefined": undefined, "misspelt": "sum("}
    unnamed = metric("unnamed", "") | {"prometheus": {"server": "nobody", "query": "vector(0)"}}
    trial.bring(better, metrics=[*(metric(name, query) for name, query in queries.items()), unnamed])
    found = trial.held(better, *queries, "unnamed")
    assert {each["verdict"] for name, each in found.items() if name in queries} == {"Inconclusive"}
    assert found["nothing"]["message"] == "metric nothing: the query found nothing"
    assert "series; aggregate them to one number" in found["several"]["message"]
    assert found["undefined"]["message"] == "metric undefined: the query gives NaN"
    assert found["misspelt"]["message"] == "metric misspelt: Prometheus 'default' answered 400 (bad_data)"
    assert found["unnamed"]["message"] == ("metric unnamed: the operator's settings have no Prometheus server 'nobody'")
    trial.bring(better, metrics=[failures()])
    trial.promoted(better)
    trial.end(figures, "held without a number")


def test_a_prometheus_that_is_away_holds_the_step(
    trial: Trial, figures: Figures, api: ApiServer, kubectl: Kubectl
) -> None:
    better = trial.publish(zoo.good())
    with prometheus_away(api, kubectl):
        trial.bring(better, metrics=[failures()])
        found = trial.held(better, "failures")
    assert found["failures"]["message"].startswith("metric failures: Prometheus 'default' ")
    trial.promoted(better)
    trial.end(figures, "Prometheus away")


def test_a_webhook_says_no(trial: Trial, traffic: Traffic, figures: Figures) -> None:
    judge = open_judge(trial.room)
    worse = trial.publish(zoo.good())
    trial.bring(worse, webhooks=[{"name": "gate", "url": f"{judge}/discontent"}])
    message = trial.rolled_back(worse, "WebhookFailed")
    assert message == "Webhook gate says revenue fell"
    _, _, asked = traffic.ask(f"{judge}/asked")
    told, headers = asked["discontent"]["body"], asked["discontent"]["headers"]
    assert (told["namespace"], told["name"]) == (trial.room.namespace, NAME)
    assert (told["version"], told["stableVersion"]) == (worse, trial.good)
    assert told["revision"] == trial.room.get(NAME)["status"]["failed"][0]["revision"]
    assert told["stableRevision"] == trial.room.get(NAME)["status"]["stable"]["revision"]
    assert (told["rollout"]["phase"], told["rollout"]["trafficPercent"]) == ("Progressing", 50)
    assert "errors" in {each["name"] for each in told["rollout"]["judgement"]["checks"]}
    assert not {name.lower() for name in headers} & {"authorization", "cookie"}
    trial.end(figures, "WebhookFailed")


def test_a_webhook_without_a_verdict_holds_the_step(trial: Trial, figures: Figures) -> None:
    judge = open_judge(trial.room)
    better = trial.publish(zoo.good())
    opinions = ("undecided", "garbled", "broken", "slow", "elsewhere")
    webhooks = [{"name": each, "url": f"{judge}/{each}", "timeout": "500ms"} for each in opinions]
    webhooks.append({"name": "stranger", "url": "http://judge.example.com/content"})
    webhooks.append({"name": "nobody", "url": f"http://nobody.{trial.room.namespace}.svc:8080/content"})
    trial.bring(better, webhooks=webhooks)
    found = trial.held(better, *(each["name"] for each in webhooks))
    assert found["undecided"]["message"] == "webhook undecided says ask me later"
    assert found["garbled"]["message"] == 'webhook garbled gave no {"verdict": "Pass", "Fail" or "Inconclusive"}'
    assert found["broken"]["message"] == "webhook broken answered 503"
    assert found["slow"]["message"] == "webhook slow gave no answer within 500ms"
    assert found["elsewhere"]["message"] == "webhook elsewhere answered 307"
    assert "(webhooks.allowedHosts) do not let it call http://judge.example.com" in found["stranger"]["message"]
    assert found["nobody"]["message"].startswith("webhook nobody cannot be asked")
    trial.bring(better, webhooks=[{"name": "gate", "url": f"{judge}/content"}])
    trial.promoted(better)
    trial.end(figures, "held by webhooks")


def failures() -> Object:
    """The metric that a good version keeps: at most one answer in a hundred failed."""
    return metric("failures", FAILED_SHARE)


def metric(name: str, query: str) -> Object:
    """A query of the default server, of which more than a hundredth is bad."""
    return {"name": name, "prometheus": {"query": query}, "max": 0.01}


def checks(body: Object) -> dict[str, Object]:
    """The checks of the newest judgement, by name."""
    judgement = ((body.get("status") or {}).get("rollout") or {}).get("judgement") or {}
    return {each["name"]: each for each in judgement.get("checks", [])}


@contextmanager
def prometheus_away(api: ApiServer, kubectl: Kubectl) -> Iterator[None]:
    """No Prometheus in the cluster for as long as the context."""
    api.merge(DEPLOYMENT, PARTS, "prometheus", {"spec": {"replicas": 0}}, "scale")
    try:
        until = time.monotonic() + 60
        while api.all(POD, PARTS, "app.kubernetes.io/name=prometheus"):
            assert time.monotonic() < until, "Prometheus did not go away"
            time.sleep(0.2)
        yield
    finally:
        api.merge(DEPLOYMENT, PARTS, "prometheus", {"spec": {"replicas": 1}}, "scale")
        kubectl.run("rollout", "status", "-n", PARTS, "deployment/prometheus", "--timeout=60s", seconds=70)


def _seconds(moment: str | None) -> float:
    """Seconds since 1970; never, where there is none."""
    return datetime.fromisoformat(moment).timestamp() if moment else float("inf")
