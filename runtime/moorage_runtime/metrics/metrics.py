"""Every metric of the process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from moorage_runtime.metrics import process
from moorage_runtime.metrics.exposition import Labels, Page
from moorage_runtime.metrics.histogram import SECONDS
from moorage_runtime.metrics.meters import DoorMeter, ModelMeter
from moorage_runtime.steps import Steps

DOORS = ("v2", "v1", "features", "grpc")
Row = tuple[Labels, ModelMeter]
# Written at once: a fraction of a millisecond.
_STEP_LINES = 100


class Metrics:
    """The meters of all models by (model, version).

    `ready`: whether the process should get traffic; `generation`: of the route table in force.
    `also`: add further families.
    """

    def __init__(self, ready: Callable[[], bool], generation: Callable[[], int]) -> None:
        self._ready = ready
        self._generation = generation
        self.also: list[Callable[[Page], None]] = []
        self._models: dict[tuple[str, str], ModelMeter] = {}
        self._refusals: Counter[tuple[int, str]] = Counter()

    def model(self, name: str, version: str) -> ModelMeter:
        """The meter of one version, made at the first question."""
        found = self._models.get((name, version))
        if found is None:
            found = self._models[name, version] = ModelMeter()
            for door in DOORS:
                found.door(door)
        return found

    def refused(self, status: int, reason: str) -> None:
        """A request came to no door. Reasons are the runtime's own, so their number is bounded."""
        self._refusals[status, reason] += 1

    def doors(self) -> Iterator[DoorMeter]:
        """The meters of all doors of all models."""
        for meter in self._models.values():
            yield from meter.doors.values()

    def forget(self, name: str, version: str) -> None:
        """The version is gone for good: its series end."""
        self._models.pop((name, version), None)

    def steps(self) -> Steps[bytes]:
        """The exposition text, in steps between which others can have their turn: with many models it takes
        milliseconds.
        """
        page, told = Page(), 0
        for _ in self._write(page):
            if page.size - told >= _STEP_LINES:
                told = page.size
                yield
        return page.render()

    def _write(self, page: Page) -> Iterator[None]:
        rows: list[Row] = [
            ({"model": name, "version": version}, meter) for (name, version), meter in self._models.items()
        ]
        yield from _requests(page, rows)
        yield from _runs(page, rows)
        page.family("moorage_refusals_total", "counter", "Requests over HTTP that were refused before any door.")
        for (status, reason), count in self._refusals.items():
            page.sample(count, {"status": str(status), "reason": reason})
        _gauges(page, rows)
        page.family("moorage_ready", "gauge", "1 when this process should get traffic.").sample(int(self._ready()))
        page.family("moorage_route_generation", "gauge", "Generation of the route table in force.").sample(
            self._generation()
        )
        yield
        for describe in self.also:
            describe(page)
            yield
        process.describe(page)


def _requests(page: Page, rows: Iterable[Row]) -> Iterator[None]:
    page.family("moorage_requests_total", "counter", "Inference requests by door and outcome.")
    for labels, door in _doors(rows):
        for name, count in door.outcomes():
            page.sample(count, {**labels, "outcome": name})
        yield
    page.family("moorage_request_seconds", "histogram", "Seconds from a request's head to its answer.")
    for labels, door in _doors(rows):
        page.histogram(door.seconds, labels, SECONDS)
        yield
    page.family("moorage_request_bytes_total", "counter", "Bytes of the bodies of requests.")
    for labels, door in _doors(rows):
        page.sample(door.received, labels)
    yield
    page.family("moorage_response_bytes_total", "counter", "Bytes of the bodies of answers.")
    for labels, door in _doors(rows):
        page.sample(door.sent, labels)
    yield


def _runs(page: Page, rows: Iterable[Row]) -> Iterator[None]:
    page.family("moorage_queue_seconds", "histogram", "Seconds that a request waited for its run.")
    for labels, meter in rows:
        meter.settle()
        page.histogram(meter.queue, labels)
        yield
    page.family("moorage_inference_seconds", "histogram", "Seconds of one run of the model.")
    for labels, meter in rows:
        page.histogram(meter.inference, labels)
        yield
    page.family("moorage_batch_rows", "histogram", "Rows of one run of the model.")
    for labels, meter in rows:
        page.histogram(meter.rows, labels)
        yield
    page.family("moorage_batch_splits_total", "counter", "Batches that were run again, each request alone.")
    for labels, meter in rows:
        for reason, count in meter.splits.items():
            page.sample(count, {**labels, "reason": reason})
    page.family("moorage_cache_total", "counter", "Requests by what the response cache did for them.")
    for labels, meter in rows:
        for state, count in meter.cache.items():
            page.sample(count, {**labels, "state": state})
    yield


def _gauges(page: Page, rows: Iterable[Row]) -> None:
    page.family("moorage_in_flight", "gauge", "Requests taken and not answered yet.")
    for labels, meter in rows:
        page.sample(meter.in_flight, labels)
    page.family("moorage_runs_abandoned", "gauge", "Runs that nobody waits for, and that did not end yet.")
    for labels, meter in rows:
        page.sample(meter.abandoned, labels)
    page.family("moorage_batching", "gauge", "1 while requests are run together.")
    for labels, meter in rows:
        page.sample(int(meter.together), labels)
    page.family("moorage_load_seconds", "gauge", "Seconds to load, warm up and test the model.")
    for labels, meter in rows:
        page.sample(meter.load_seconds, labels)


def _doors(rows: Iterable[Row]) -> Iterator[tuple[Labels, DoorMeter]]:
    for labels, meter in rows:
        for name, door in meter.doors.items():
            yield {**labels, "door": name}, door
