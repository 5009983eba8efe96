"""Who is asked when, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from moorage_operator import metrics
from moorage_operator.api.analysis import Analysis
from moorage_operator.api.judgement import Check, Reading, Readings, Totals, Verdict
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Key, Snapshot
from moorage_operator.cluster.pods import Direct, ThroughApiServer
from moorage_operator.observed.pod import Pod
from moorage_operator.process import surveyor
from moorage_operator.recollection import Recollection
from moorage_operator.settings import PROMETHEUS_CREDENTIALS, parse
from moorage_operator.survey import Surveyor
from moorage_runtime.config import PodReport

KEY = Key("ns", "demo")
STABLE, CANDIDATE = "aaaaaaaaaa", "bbbbbbbbbb"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
REPORT = PodReport(started="1", revision=STABLE, ready=True)
OPINION = Check("revenue", Verdict.PASS)
METRIC = {"name": "revenue", "prometheus": {"query": "1"}, "max": 1}
ASKING = {"rollout": {"steps": [{"trafficPercent": 5, "hold": "1m"}], "analysis": {"metrics": [METRIC]}}}


@dataclass
class Telephone:
    silent: bool = False
    called: list[str] = field(default_factory=list)

    async def ask(self, pod: Pod) -> PodReport | None:
        self.called.append(pod.name)
        return None if self.silent else REPORT


@dataclass
class Panel:
    asked: int = 0

    async def opinions(self, _: ModelDeployment, __: Analysis) -> tuple[Check, ...]:
        self.asked += 1
        return (OPINION,)


@dataclass
class Bench:
    telephone: Telephone = field(default_factory=Telephone)
    panel: Panel = field(default_factory=Panel)

    def __post_init__(self) -> None:
        self.surveyor = Surveyor(self.telephone, self.panel)  # type: ignore[arg-type]

    async def survey(self, owner: ModelDeployment, seconds: float = 0.0) -> Readings:
        pod = {
            "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"moorage.dev/revision": STABLE}},
            "status": {"phase": "Running"},
        }
        return await self.surveyor.survey(
            KEY, Snapshot(owner, {}, frozenset(), (pod,), EPOCH + timedelta(seconds=seconds))
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def deployment(phase: str = "Progressing", *, since: float | None = 0.0, **more: Any) -> ModelDeployment:
    rollout: dict[str, Any] = {"phase": phase, "since": "2026-01-01T00:00:00Z", "step": 1}
    if since is not None:
        rollout["stepSince"] = (EPOCH + timedelta(seconds=since)).isoformat()
    spec = {"model": {"storageUri": "s3://b/1"}, "rollout": {"steps": [{"trafficPercent": 5, "hold": "1m"}]}}
    status = {
        "stable": {"revision": STABLE, "version": "1", "artifactUri": "s3://b/1"},
        "candidate": {"revision": CANDIDATE, "version": "2", "artifactUri": "s3://b/2"},
        "rollout": rollout | more.pop("rollout", {}),
    }
    spec |= more.pop("spec", {})
    metadata = {"name": "demo", "namespace": "ns", "uid": "u1"} | more
    return ModelDeployment.model_validate({"metadata": metadata, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("owner", "asked"),
    [
        (lambda: deployment(), True),
        (lambda: deployment("Paused"), True),
        (lambda: deployment("Switching"), True),
        (lambda: deployment("Steady"), False),
        (lambda: deployment("Resolving"), False),
        (lambda: deployment(deletionTimestamp="2026-01-01T00:00:00Z"), False),
        (lambda: deployment("Steady", spec={"shadow": {"model": {"storageUri": "s3://b/9"}}}), True),
    ],
    ids=["progressing", "paused", "switching", "steady", "resolving", "going away", "a shadow runs"],
)
async def test_pods_are_asked_only_while_something_depends_on_them(
    bench: Bench, owner: Callable[[], ModelDeployment], asked: bool
) -> None:
    readings = await bench.survey(owner())
    assert bench.telephone.called == (["p"] if asked else [])
    assert bool(readings.mark) is asked


async def test_other_judges_are_asked_only_when_a_look_is_due(bench: Bench) -> None:
    owner = deployment(spec=ASKING)
    assert (await bench.survey(owner, 3)).opinions == (), "the warm-up"
    assert (await bench.survey(owner, 6)).opinions == (OPINION,)
    window = f"{CANDIDATE} {EPOCH.timestamp():.3f}"
    told = {"verdict": "Pass", "at": (EPOCH + timedelta(seconds=6)).isoformat()}
    looked = deployment(
        spec=ASKING,
        rollout={"judgement": told, "totals": Totals(window=window, mark="x").text()},
    )
    assert (await bench.survey(looked, 12)).opinions == ()
    assert (await bench.survey(looked, 16)).opinions == (OPINION,)
    assert bench.panel.asked == 2


async def test_nobody_is_asked_who_was_not_named(bench: Bench) -> None:
    await bench.survey(deployment(), 60)
    await bench.survey(deployment(since=None, spec=ASKING), 60)
    assert bench.panel.asked == 0


async def test_what_the_status_counts_from_is_remembered_until_it_counts_from_another(bench: Bench) -> None:
    first = await bench.survey(deployment(), 1)
    counted = deployment(rollout={"totals": Totals(mark=first.mark).text()})
    second = await bench.survey(counted, 2)
    third = await bench.survey(counted, 3)
    assert set(third.before) == {first.mark, second.mark}
    fourth = await bench.survey(counted, 4)
    assert set(fourth.before) == {first.mark, third.mark}, "whether the third was written is not known yet"
    moved = deployment(rollout={"totals": Totals(mark=third.mark).text()})
    await bench.survey(moved, 5)
    assert first.mark not in (await bench.survey(moved, 6)).before


async def test_a_rollout_that_is_over_is_forgotten(bench: Bench) -> None:
    await bench.survey(deployment(), 1)
    await bench.survey(deployment("Steady"), 2)
    assert (await bench.survey(deployment(), 3)).before == {}


async def test_reads_are_counted(bench: Bench) -> None:
    def count(result: str) -> float:
        return metrics.REGISTRY.get_sample_value("moorage_pod_reads_total", {"result": result}) or 0.0

    answered, silent = count("answered"), count("silent")
    await bench.survey(deployment(), 1)
    bench.telephone.silent = True
    await bench.survey(deployment(), 2)
    assert (count("answered") - answered, count("silent") - silent) == (1, 1)


def reading(pod: str, report: PodReport | None, seconds: float) -> Reading:
    return Reading(pod, pod, STABLE, EPOCH + timedelta(seconds=seconds), report)


def test_a_pod_that_gave_no_answer_goes_on_from_its_last_one() -> None:
    kept = Recollection()
    kept.note(KEY, Readings("1", (reading("a", REPORT, 1), reading("b", REPORT, 1))), ())
    kept.note(KEY, Readings("2", (reading("a", None, 2), reading("c", None, 2)), kept.before(KEY)), {"1"})
    assert kept.before(KEY)["2"] == (reading("a", REPORT, 1), reading("c", None, 2))


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [(None, "t1", 1), ("t1", "t1", 0), ("t1", "t2", 1), ("t1", None, 0)],
    ids=["the first", "told already", "another", "none"],
)
def test_a_judgement_is_counted_once(before: str | None, after: str | None, counted: int) -> None:
    def count() -> float:
        labels = {"verdict": "Fail", "reason": "CandidateSlow"}
        return metrics.REGISTRY.get_sample_value("moorage_judgements_total", labels) or 0.0

    owner = deployment(rollout={"judgement": {"verdict": "Pass", "at": before}} if before else {})
    told = {"judgement": {"verdict": "Fail", "reason": "CandidateSlow", "at": after}} if after else {}
    was = count()
    metrics.count_judgement(owner.status, {"rollout": told})
    assert count() - was == counted


@pytest.mark.parametrize(("access", "way"), [("Direct", Direct), ("ApiServer", ThroughApiServer)])
async def test_the_settings_say_which_way_leads_to_pods_and_whom_else_to_ask(access: str, way: type) -> None:
    settings = parse(
        {
            "runtime": {"image": "r"},
            "network": {"podAccess": access},
            "prometheus": {"eu": {"url": "http://prometheus:9090"}},
            "webhooks": {"allowedHosts": ["gate.ml.svc"]},
        }
    )
    async with aiohttp.ClientSession() as session:
        made = surveyor(settings, None, session)  # type: ignore[arg-type]
    assert isinstance(made._telephone, way)
    assert made._panel.servers["eu"].credentials == PROMETHEUS_CREDENTIALS / "eu"
    assert made._panel.hosts == ("gate.ml.svc",)
