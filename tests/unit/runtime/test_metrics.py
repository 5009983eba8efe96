"""What Prometheus reads, judged by its own parser."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import prometheus_client
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.runtime.plane_fakes import Desk
from tests.unit.runtime.pod import Pod

from moorage_runtime.metrics.exposition import Page
from moorage_runtime.metrics.histogram import SECONDS, Histogram
from moorage_runtime.metrics.meters import OUTCOMES, OVERLOADED, outcome
from moorage_runtime.metrics.metrics import DOORS, Metrics
from moorage_runtime.steps import finish


def families(metrics: Metrics) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(finish(metrics.steps()).decode())}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in families(metrics).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def series(metrics: Metrics) -> Iterator[str]:
    for line in finish(metrics.steps()).decode().splitlines():
        if not line.startswith("#"):
            yield line.rpartition(" ")[0]


@pytest.mark.parametrize("cost", [1e-6, 0.01])
def test_every_request_is_counted_by_door_and_outcome(cost: float) -> None:
    desk = Desk(cost, concurrency=6, batchable=True)
    asked = {
        "ok": [desk.ask(), desk.ask()],
        "failed": [desk.ask([[np.nan, 0.0]])],
        "timeout": [desk.ask(timeout=0.0)],
        "cancelled": [desk.ask()],
    }
    asked["cancelled"][0].gone = True
    desk.ask()
    desk.ask()
    assert desk.ask().status == 429
    desk.rest()
    desk.loop.sleep(1)
    for name, count in {"ok": 4, "failed": 1, "timeout": 1, "cancelled": 1, "overloaded": 1, "refused": 0}.items():
        labels = {"model": "fraud", "version": "3", "door": "v2", "outcome": name}
        assert value(desk.metrics, "moorage_requests_total", **labels) == count, name
    assert value(desk.metrics, "moorage_requests_total", door="grpc") == 0
    assert value(desk.metrics, "moorage_request_seconds_count", door="v2") == 8


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "refused"),
        (422, "refused"),
        (429, "overloaded"),
        (499, "cancelled"),
        (500, "failed"),
        (503, "failed"),
        (504, "timeout"),
    ],
)
def test_a_refusal_has_the_outcome_of_its_status(status: int, name: str) -> None:
    assert OUTCOMES[outcome(status)] == name


def test_runs_rows_and_waiting_are_told() -> None:
    desk = Desk(0.0001)
    for rows in (1, 2, 4):
        desk.ask(np.ones((rows, 2)))
    desk.rest()
    assert value(desk.metrics, "moorage_batch_rows_sum") == 7
    assert value(desk.metrics, "moorage_batch_rows_count") == 1
    assert value(desk.metrics, "moorage_inference_seconds_sum") == pytest.approx(0.0007)
    assert value(desk.metrics, "moorage_queue_seconds_count") == 3


def test_runs_that_never_waited_are_told_too() -> None:
    desk = Desk(0.0001, batchable=False)
    for rows in (1, 1, 4):
        desk.ask(np.ones((rows, 2)))
    for _ in range(2):
        assert value(desk.metrics, "moorage_batch_rows_sum") == 6
        assert value(desk.metrics, "moorage_batch_rows_bucket", le="1.0") == 2
        assert value(desk.metrics, "moorage_queue_seconds_count") == 3


def test_the_cache_and_the_batches_that_were_split_are_told() -> None:
    desk = Desk(cache=True, extra=1)
    for _ in range(3):
        desk.ask()
    desk.ask(cache="bypass")
    desk.rest()
    desk.ask()
    states = {
        state: value(desk.metrics, "moorage_cache_total", state=state)
        for state in ("HIT", "MISS", "COALESCED", "BYPASS")
    }
    assert states == {"HIT": 1, "MISS": 1, "COALESCED": 2, "BYPASS": 1}
    assert value(desk.metrics, "moorage_batch_splits_total", reason="rows") == 1
    assert value(desk.metrics, "moorage_batching") == 0


def test_bytes_are_told_as_the_door_says() -> None:
    desk = Desk()
    call = desk.ask()
    call.received, call.sent = 300, 120
    desk.rest()
    assert value(desk.metrics, "moorage_request_bytes_total", door="v2") == 300
    assert value(desk.metrics, "moorage_response_bytes_total", door="v2") == 120


def test_gauges_tell_what_is_now() -> None:
    desk = Desk(0.01)
    call = desk.ask(timeout=0.01)
    desk.loop.turn()
    assert value(desk.metrics, "moorage_in_flight") == 1
    desk.loop.sleep(0.02)
    assert call.status == 504
    assert value(desk.metrics, "moorage_runs_abandoned") == 1
    desk.rest()
    assert value(desk.metrics, "moorage_runs_abandoned") == value(desk.metrics, "moorage_in_flight") == 0
    assert value(desk.metrics, "moorage_ready") == 1
    assert value(desk.metrics, "moorage_route_generation") == 7


def test_a_model_has_at_most_two_hundred_series_and_none_twice() -> None:
    desk = Desk(cache=True, extra=1)
    for reason in ("rows", "failed"):
        desk.lane.split(reason)
    for door in DOORS:
        desk.lane.submit(desk.ask(), desk.meter.doors[door])
    found = [line for line in series(desk.metrics) if 'model="fraud"' in line]
    assert 150 < len(found) <= 200
    assert len(set(found)) == len(found)


def test_a_page_of_many_models_is_written_in_steps() -> None:
    metrics = Metrics(lambda: True, lambda: 0)
    for number in range(50):
        metrics.model(f"model-{number}", "1")
    sizes: list[int] = []

    def watched(page: Page) -> Iterator[None]:
        for step in write(page):
            sizes.append(page.size)
            yield step

    write = metrics._write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "_write", watched)
        steps = sum(1 for _ in metrics.steps())
    # A hundred lines a step, and what one more door or model adds.
    assert steps > sizes[-1] / 400
    assert max(after - before for before, after in pairwise(sizes)) < 250
    at_once = finish(metrics.steps()).decode().splitlines()
    assert len(at_once) == len(set(at_once))


def test_a_retired_version_is_told_no_more() -> None:
    desk = Desk()
    desk.metrics.forget("fraud", "3")
    assert not [line for line in series(desk.metrics) if "fraud" in line]


def test_names_and_types_are_what_prometheus_wants() -> None:
    found = families(Desk(cache=True).metrics)
    for name, family in found.items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert family.type in ("counter", "gauge", "histogram")
        assert family.documentation.endswith(".")


@example('quote " slash \\', "line\nfeed")
@given(st.text(), st.text())
def test_any_name_of_a_model_survives(model: str, version: str) -> None:
    metrics = Metrics(lambda: False, lambda: 0)
    metrics.model(model, version)
    (line,) = [
        line for line in finish(metrics.steps()).decode().split("\n") if line.startswith("moorage_load_seconds{")
    ]
    (family,) = text_string_to_metric_families(line + "\n")
    assert family.samples[0].labels == {"model": model, "version": version}


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_says_what_the_reference_library_says(values: list[float]) -> None:
    registry = prometheus_client.CollectorRegistry()
    theirs = prometheus_client.Histogram("h", "About.", buckets=SECONDS, registry=registry)
    ours, at_once = Histogram(SECONDS), Histogram(SECONDS)
    for number in values:
        ours.observe(number)
        theirs.observe(number)
    if values:
        at_once.observe_all(values)
    (family,) = theirs.collect()
    wanted = [sample.value for sample in family.samples if sample.name == "h_bucket"]
    assert [sum(ours.counts[: place + 1]) for place in range(len(ours.counts))] == wanted
    assert at_once.counts == ours.counts
    assert at_once.total == pytest.approx(ours.total)


def test_the_process_tells_what_the_kernel_knows() -> None:
    metrics = Metrics(lambda: True, lambda: 0)
    assert value(metrics, "process_start_time_seconds") == pytest.approx(time.time(), abs=24 * 3600)
    assert 10 << 20 < value(metrics, "process_resident_memory_bytes") < 10 << 30
    assert value(metrics, "process_open_fds") == pytest.approx(len(os.listdir("/proc/self/fd")), abs=3)
    assert value(metrics, "process_max_fds") > 100
    spent = sum(os.times()[:2])
    assert value(metrics, "process_cpu_seconds_total") == pytest.approx(spent, abs=1)
    assert value(metrics, "moorage_build_info") == 1


def test_those_turned_away_do_not_count_as_work_done() -> None:
    desk = Desk(concurrency=1)
    desk.ask()
    desk.ask()
    door = desk.meter.doors["v2"]
    assert (door.ends[OVERLOADED], door.answered) == (1, 0)


def refusals(pod: Pod) -> dict[tuple[str, str], float]:
    (told,) = [
        family
        for family in text_string_to_metric_families(pod.admin("/metrics")[1].decode())
        if family.name == "moorage_refusals"
    ]
    return {(sample.labels["status"], sample.labels["reason"]): sample.value for sample in told.samples}


def garbage(pod: Pod) -> None:
    with socket.create_connection(("127.0.0.1", pod.port), 5) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_what_comes_to_no_door_is_counted_and_adds_no_series_of_a_clients_making(
    artifacts: Path, pod: Callable[..., Pod]
) -> None:
    keys = pod(f"file://{artifacts / 'logistic'}", apiKeys=True, limits={"bodyBytes": 4096})
    keys.variables["MOORAGE_API_KEYS_DIR"] = str(keys.credentials)
    (keys.credentials / "key").write_text("k")
    assert keys.download().returncode == 0
    keys.serve()
    for number in range(20):
        assert keys.ask("GET", f"/v2/models/{number}")[0] == 401
        assert keys.ask("GET", f"/{number}", x_api_key="k")[0] == 404
        assert keys.ask("GET", f"/v2/models/{number}", x_api_key="k")[0] == 404
    infer = "/v2/models/fraud/infer"
    assert keys.ask("MKCOL", infer, x_api_key="k")[0] == 405
    assert keys.ask("POST", infer, b"x" * 5000, x_api_key="k")[0] == 413
    assert keys.ask("POST", infer, b"x", x_api_key="k", accept="image/png")[0] == 406
    assert keys.ask("POST", infer, b"x", x_api_key="k", content_encoding="gzip")[0] == 400
    assert keys.ask("POST", infer, b"{}", x_api_key="k")[0] == 400
    garbage(keys)
    assert refusals(keys) == {
        ("401", "Unauthorized"): 20,
        ("404", "NotFound"): 20,
        ("404", "ModelNotFound"): 20,
        ("405", "MethodNotAllowed"): 1,
        ("406", "NotAcceptable"): 1,
        ("413", "BodyTooLarge"): 1,
        ("400", "InvalidRequest"): 2,
    }
