"""What the operator counts of itself, for Prometheus."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from moorage_operator import names
from moorage_operator.api.judgement import Readings
from moorage_operator.api.model_deployment import ModelDeploymentStatus
from moorage_operator.api.records import Body, Change, Key

REGISTRY = CollectorRegistry()

RECONCILES = Counter("moorage_reconcile", "Looks at one custom resource", ["kind", "result"], registry=REGISTRY)
RECONCILE_SECONDS = Histogram(
    "moorage_reconcile_seconds",
    "Time of one look",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
WRITES = Counter("moorage_writes", "Changes written", ["verb", "kind", "why"], registry=REGISTRY)
REPAIRS = Counter("moorage_resync_repairs", "Changes that only a resync found", ["kind"], registry=REGISTRY)
API_REQUESTS = Counter("moorage_api_requests", "Calls to the API server", ["verb", "code"], registry=REGISTRY)
WATCH_RESTARTS = Counter("moorage_watch_restarts", "Restarts of the watch thread", registry=REGISTRY)
QUEUE_DEPTH = Gauge("moorage_queue_depth", "Keys that are due and not being looked at", registry=REGISTRY)
QUEUE_OLDEST = Gauge("moorage_queue_oldest_seconds", "How long the oldest due key waits", registry=REGISTRY)
RESYNC_AGE = Gauge("moorage_resync_age_seconds", "Time since the last complete resync", registry=REGISTRY)
LEADER = Gauge("moorage_leader", "1 while this process writes", registry=REGISTRY)
LOOP_LAG = Gauge("moorage_loop_lag_seconds", "How late the event loop woke up lately", registry=REGISTRY)
POD_READS = Counter("moorage_pod_reads", "Questions to the admin port of serving pods", ["result"], registry=REGISTRY)
JUDGEMENTS = Counter("moorage_judgements", "Judgements of candidates", ["verdict", "reason"], registry=REGISTRY)
OPINIONS = Counter("moorage_opinions", "Answers of metrics and webhooks", ["verdict"], registry=REGISTRY)
BUILD = Gauge("moorage_build_info", "Always 1", ["version"], registry=REGISTRY)


class Census(Collector):
    """How many custom resources have which condition in which state, as last seen."""

    def __init__(self) -> None:
        self._conditions: dict[Key, tuple[tuple[str, str], ...]] = {}

    def note(self, key: Key, status: Body) -> None:
        """`key` now has this status."""
        self._conditions[key] = tuple((item["type"], item["status"]) for item in status.get("conditions") or ())

    def keep_only(self, keys: Iterable[Key]) -> set[Key]:
        """Forget every key that is not among `keys`; the forgotten ones are returned."""
        gone = self._conditions.keys() - set(keys)
        for key in gone:
            del self._conditions[key]
        return gone

    def forget(self, key: Key) -> None:
        """`key` is gone."""
        self._conditions.pop(key, None)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """For the registry, at each scrape."""
        family = GaugeMetricFamily(
            "moorage_cr_info", "Custom resources by condition", labels=["kind", "condition", "status"]
        )
        for (condition, status), count in self._tally().items():
            family.add_metric([names.KIND, condition, status], count)
        yield family

    def _tally(self) -> Mapping[tuple[str, str], int]:
        return Tally(pair for pairs in self._conditions.values() for pair in pairs)


CENSUS = Census()
REGISTRY.register(CENSUS)


def count_call(verb: str, code: int) -> None:
    """One call to the API server; code 0: no answer."""
    API_REQUESTS.labels(verb, str(code)).inc()


def count_readings(readings: Readings) -> None:
    """Pods that were asked, and judges that were."""
    for reading in readings.now:
        POD_READS.labels("silent" if reading.report is None else "answered").inc()
    for opinion in readings.opinions:
        OPINIONS.labels(opinion.verdict.value).inc()


def count_judgement(before: ModelDeploymentStatus, after: Body) -> None:
    """The judgement in the status that was written, if the one before it did not tell it already."""
    told = (after.get("rollout") or {}).get("judgement")
    known = before.rollout.judgement if before.rollout is not None else None
    if told is not None and (known is None or known.at != told["at"]):
        JUDGEMENTS.labels(told["verdict"], told.get("reason") or "").inc()


def count_writes(changes: Iterable[Change], *, routine: bool) -> None:
    """Changes that were written. `routine`: no event told of the need, so what heals here the watches had missed."""
    for change in changes:
        WRITES.labels(change.verb.value, change.ref.kind, change.why).inc()
        if routine and change.why in ("missing", "drifted"):
            REPAIRS.labels(change.ref.kind).inc()
