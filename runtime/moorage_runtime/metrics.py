"""What Prometheus is told. Label values are known at start, so the hot path touches ready-made children only."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OK, REFUSED, TIMEOUT, FAILED = "ok", "refused", "timeout", "failed"
_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """One registry of its own, for one model and version."""

    def __init__(self, model: str, version: str, in_flight: Callable[[], int], ready: Callable[[], bool]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = {"model": model, "version": version}
        names = tuple(labels)
        requests = Counter(
            "moorage_requests", "Inference requests by outcome.", (*names, "outcome"), registry=self.registry
        )
        self._requests = {
            outcome: requests.labels(**labels, outcome=outcome) for outcome in (OK, REFUSED, TIMEOUT, FAILED)
        }
        self._seconds = Histogram(
            "moorage_request_seconds",
            "Seconds from a whole request to its answer.",
            names,
            buckets=_BOUNDS,
            registry=self.registry,
        ).labels(**labels)
        self.load_seconds = Gauge(
            "moorage_load_seconds", "Seconds to load, warm up and test the model.", names, registry=self.registry
        ).labels(**labels)
        self.route_generation = Gauge(
            "moorage_route_generation", "Generation of the route table in force.", registry=self.registry
        )
        Gauge("moorage_in_flight", "Requests being answered.", names, registry=self.registry).labels(
            **labels
        ).set_function(in_flight)
        Gauge("moorage_ready", "1 when the version should get traffic.", names, registry=self.registry).labels(
            **labels
        ).set_function(ready)

    def observe(self, outcome: str, seconds: float) -> None:
        """Count one request."""
        self._requests[outcome].inc()
        self._seconds.observe(seconds)

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)
