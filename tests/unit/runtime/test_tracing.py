"""Traces: what a client's headers mean, what a collector is told, and that no request ever waits for one."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.collector import Collector, attributes
from tests.unit.runtime.pod import RUNTIME, Pod

from moorage_runtime import tracing

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE = f"00-{TRACE_ID}-{SPAN_ID}-01"
INFER = "/v2/models/fraud/infer"
REQUEST = json.dumps({"inputs": [{"name": "X", "shape": [1, 30], "datatype": "FP32", "data": [0.5] * 30}]})


def test_a_clients_trace_is_read_and_passed_on_as_it_came() -> None:
    parent = tracing.parse(TRACE.encode(), b"rojo=00f067aa0ba902b7, congo=t61rcWkgMzE")
    assert parent == tracing.Parent(TRACE_ID, SPAN_ID, 1, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert parent.headers() == [
        (b"traceparent", TRACE.encode()),
        (b"tracestate", b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
    ]


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-00", 0),
        (f"00-{TRACE_ID}-{SPAN_ID}-03", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", 1),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-brings", 1),
        (f"  {TRACE}  ", 1),
    ],
)
def test_other_versions_and_flags_are_read_as_the_standard_says(header: str, flags: int) -> None:
    assert tracing.parse(header.encode()) == tracing.Parent(TRACE_ID, SPAN_ID, flags)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"{TRACE}, {TRACE}",
        f"00_{TRACE_ID}_{SPAN_ID}_01",
    ],
)
def test_garbage_is_no_trace(header: str) -> None:
    assert tracing.parse(header.encode(), b"a=b") is None


@pytest.mark.parametrize(
    "state", [b"", b"novalue", b"A=1", b"a=\x01", b",".join(b"k%d=v" % n for n in range(33)), b"a=" + b"v" * 600]
)
def test_a_broken_state_does_not_cost_the_trace(state: bytes) -> None:
    assert tracing.parse(TRACE.encode(), state) == tracing.Parent(TRACE_ID, SPAN_ID, 1)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_header_breaks_the_reader(traceparent: bytes, tracestate: bytes) -> None:
    parent = tracing.parse(traceparent, tracestate)
    assert parent is None or tracing.parse(*(value for _, value in parent.headers())) == parent


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_nothing_is_exported_unless_it_is_asked_for(environ: dict[str, str]) -> None:
    assert tracing.from_environment(environ, {}) is None


@pytest.fixture
def collector() -> Iterator[Callable[..., Collector]]:
    made: list[Collector] = []

    def make(**how: Any) -> Collector:
        made.append(Collector(**how))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def traced(artifacts: Path, pod: Callable[..., Pod], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pod]:
    """A pod that is told of a collector."""

    def make(url: str, artifact: str = "boosting", **environ: str) -> Pod:
        for name, value in {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
            **environ,
        }.items():
            monkeypatch.setenv(name, value)
        one = pod(f"file://{artifacts / artifact}", namespace="risk")
        assert one.download().returncode == 0, one.termination()
        one.serve()
        return one

    return make


def body_for(pod: Pod) -> str:
    """A request that fits the model."""
    told = json.loads(pod.ask("GET", "/v2/models/fraud")[2])["inputs"][0]["name"]
    return REQUEST.replace('"X"', f'"{told}"')


def test_a_prediction_is_a_span_of_its_clients_trace_with_its_wait_and_its_run_below(
    collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    receiver = collector()
    pod = traced(receiver.url, OTEL_RESOURCE_ATTRIBUTES="cluster=blue", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    before = time.time_ns()
    assert pod.ask("POST", INFER, body_for(pod), traceparent=TRACE, tracestate="rojo=1")[0] == 200
    spans = {span.name: span for span in receiver.wait(3)}
    server, queue, inference = (spans[name] for name in ("POST /v2/models/{model}/infer", "queue", "inference"))
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert server.trace_state == "rojo=1"
    assert server.kind == server.SPAN_KIND_SERVER
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": "/v2/models/{model}/infer",
        "http.response.status_code": 200,
        "moorage.model": "fraud",
        "moorage.version": "3",
    }
    for child in (queue, inference):
        assert (child.trace_id, child.parent_span_id) == (server.trace_id, server.span_id)
    assert attributes(inference) == {"moorage.batch.rows": 1}
    times = [server.start_time_unix_nano, queue.start_time_unix_nano, queue.end_time_unix_nano]
    times += [inference.start_time_unix_nano, inference.end_time_unix_nano, server.end_time_unix_nano]
    # Each is reckoned from its own reading of two clocks: microseconds apart.
    assert all(later - sooner > -1_000_000 for sooner, later in itertools.pairwise(times))
    assert before - 1_000_000 < times[0] <= times[-1] < time.time_ns()
    ((path, export), *_) = receiver.exports
    resource = attributes(export.resource_spans[0].resource)
    assert path == "/v1/traces"
    assert (
        resource.items()
        >= {
            "service.name": "moorage",
            "service.namespace": "risk",
            "moorage.deployment": "fraud",
            "moorage.revision": "abc",
            "cluster": "blue",
        }.items()
    )


def test_without_a_clients_trace_the_request_begins_its_own(
    collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    receiver = collector()
    pod = traced(receiver.url, OTEL_SERVICE_NAME="fraud-scores")
    assert pod.ask("POST", INFER, body_for(pod), traceparent="garbage")[0] == 200
    (server,) = [span for span in receiver.wait(3) if not span.parent_span_id]
    assert server.name == "POST /v2/models/{model}/infer"
    assert attributes(receiver.exports[0][1].resource_spans[0].resource)["service.name"] == "fraud-scores"


def test_a_clients_choice_not_to_be_traced_and_the_standard_sampler_are_heeded(
    collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    receiver = collector()
    pod = traced(receiver.url, OTEL_TRACES_SAMPLER="parentbased_always_off")
    body = body_for(pod)
    assert pod.ask("POST", INFER, body)[0] == 200
    assert pod.ask("POST", INFER, body, traceparent=TRACE[:-2] + "00")[0] == 200
    assert pod.ask("POST", INFER, body, traceparent=TRACE)[0] == 200
    time.sleep(0.3)
    assert {span.trace_id.hex() for span in receiver.wait(3)} == {TRACE_ID}


def test_what_fails_is_told_as_an_error(collector: Callable[..., Collector], traced: Callable[..., Pod]) -> None:
    receiver = collector()
    pod = traced(receiver.url, "slow")
    asked = {"inputs": [{"name": "x", "shape": [512, 512], "datatype": "FP32", "data": [0.5] * 512 * 512}]}
    assert pod.ask("POST", INFER, json.dumps(asked), x_request_timeout="20ms")[0] == 504
    (server,) = receiver.wait(1)
    assert (server.status.code, server.status.message) == (server.status.STATUS_CODE_ERROR, "DeadlineExceeded")
    assert attributes(server)["error.type"] == "DeadlineExceeded"


def test_what_is_refused_has_its_place_in_the_clients_trace(
    collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    receiver = collector()
    pod = traced(receiver.url)
    refused = {
        "POST /v2/models/{model}/infer": ("POST", INFER, 400, "InvalidRequest"),
        "POST /v1/predict": ("POST", "/v1/predict", 422, "InvalidFeatures"),
        "GET": ("GET", "/nowhere", 404, "NotFound"),
        "DELETE": ("DELETE", "/v2", 405, "MethodNotAllowed"),
        "HTTP": ("PROPFIND", "/v2", 405, "MethodNotAllowed"),
    }
    for method, path, status, _ in refused.values():
        assert pod.ask(method, path, b'{"features": {}}', traceparent=TRACE)[0] == status
    spans = {span.name: span for span in receiver.wait(len(refused))}
    assert spans.keys() == refused.keys()
    for name, (method, _, status, reason) in refused.items():
        span, told = spans[name], attributes(spans[name])
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, TRACE.split("-")[2])
        assert told["http.request.method"] == ("_OTHER" if name == "HTTP" else method)
        assert (told["http.response.status_code"], told["moorage.reason"]) == (status, reason)
        assert span.status.code == span.status.STATUS_CODE_UNSET


def test_what_is_refused_over_grpc_has_its_place_too(
    collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    import grpc
    from tests.unit.runtime.grpc import messages

    receiver = collector()
    pod = traced(receiver.url)
    asked = messages.make("ModelInferRequest", model_name="nobody").SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{pod.grpc_port}") as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError):
            infer(asked, metadata=(("traceparent", TRACE),), timeout=10)
    (span,) = receiver.wait(1)
    assert (span.name, span.trace_id.hex()) == ("inference.GRPCInferenceService/ModelInfer", TRACE_ID)
    assert attributes(span)["moorage.reason"] == "ModelNotFound"


@pytest.mark.parametrize("how", ["unreachable", "stalls", "refuses"])
def test_no_request_waits_for_a_collector(
    how: str, collector: Callable[..., Collector], traced: Callable[..., Pod]
) -> None:
    receiver = collector(stalls=1.0 if how == "stalls" else 0.0, status=500 if how == "refuses" else 200)
    pod = traced(
        "http://127.0.0.1:1" if how == "unreachable" else receiver.url,
        OTEL_BSP_MAX_QUEUE_SIZE="20",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10",
    )
    body, slowest = body_for(pod), 0.0
    for _ in range(60):
        began = time.monotonic()
        assert pod.ask("POST", INFER, body)[0] == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.5
    began = time.monotonic()
    assert pod.end() == 0
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(("environ", "imported"), [({}, False), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1"}, True)])
def test_the_library_is_imported_only_for_a_collector(environ: dict[str, str], imported: bool) -> None:
    script = """
import os, sys
import moorage_runtime.servers.station
from moorage_runtime import tracing
tracing.from_environment(os.environ, {})
print("opentelemetry" in sys.modules)
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=kept | environ | {"PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        check=True,
    )
    assert told.stdout.decode().strip() == str(imported)
