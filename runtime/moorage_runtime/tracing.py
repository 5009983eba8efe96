"""Where a request belongs in its client's trace, and the spans that are told to a collector when the standard
`OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`) names one; without it nothing of OpenTelemetry is imported.

A span leaves by a thread of the library's, which drops what a slow collector does not take: no request waits for it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import msgspec

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z").match
_STATE = re.compile(rb"[\x20-\x7e\t]{1,512}\Z").match
_MEMBER = re.compile(rb"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x7e]{1,256}\Z").match
_MEMBERS = 32

_HTTP = {
    "v2": "/v2/models/{model}/infer",
    "v1": "/v1/models/{model}:predict",
    "features": "/v1/predict",
}
# Any other method is whatever a client made up, and must name no span.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


class Parent(msgspec.Struct, frozen=True):
    """What a client said of its trace: 32 and 16 hex digits, flags, and the state that is passed on as it came."""

    trace_id: str
    span_id: str
    flags: int
    state: str = ""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The same, for whom the request is passed on to."""
        parent = (b"traceparent", f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}".encode())
        return [parent, (b"tracestate", self.state.encode())] if self.state else [parent]


def parse(traceparent: bytes | None, tracestate: bytes | None = None) -> Parent | None:
    """Read the two headers of W3C Trace Context; None for garbage, which is as good as nothing."""
    found = _PARENT(traceparent.strip()) if traceparent else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not trace.strip(b"0") or not span.strip(b"0"):
        return None
    return Parent(trace.decode(), span.decode(), int(flags, 16) & 1, _state(tracestate))


def _state(tracestate: bytes | None) -> str:
    if not tracestate or not _STATE(tracestate):
        return ""
    members = [member.strip() for member in tracestate.split(b",") if member.strip()]
    if len(members) > _MEMBERS or not all(map(_MEMBER, members)):
        return ""
    return b",".join(members).decode()


class Trace:
    """One request's span under way. `trace_id`, `span_id`: hex digits."""

    __slots__ = ("_door", "_span", "_tracer", "span_id", "trace_id")

    def __init__(self, tracer: Tracer, span: Any, door: str) -> None:
        context = span.get_span_context()
        self._tracer = tracer
        self._span = span
        self._door = door
        self.trace_id = f"{context.trace_id:032x}"
        self.span_id = f"{context.span_id:016x}"

    @property
    def parent(self) -> Parent:
        """This span, as the parent of what is done for it elsewhere."""
        context = self._span.get_span_context()
        return Parent(self.trace_id, self.span_id, int(context.trace_flags), context.trace_state.to_header())

    def end(
        self, status: int, reason: str, model: str, version: str, queued: float, run: tuple[float, float, int] | None
    ) -> None:
        """The request is answered. `queued`: when it began to wait; `run`: began, seconds and rows of its run."""
        span = self._span
        if not span.is_recording():
            return
        span.set_attribute("moorage.model", model)
        span.set_attribute("moorage.version", version)
        if self._door in _HTTP:
            span.set_attribute("http.response.status_code", status)
        if reason:
            span.set_attribute("moorage.reason", reason)
        if status >= 500:
            span.set_attribute("error.type", reason)
            span.set_status(self._tracer.error(reason))
        if run is not None:
            began, seconds, rows = run
            self._tracer.child(span, "queue", queued, began, {})
            self._tracer.child(span, "inference", began, began + seconds, {"moorage.batch.rows": rows})
        span.end()


class Tracer:
    """Makes spans. Sampler, resource, limits and export are OpenTelemetry's own, as its variables say."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._api = trace
        self._provider = provider
        self._tracer = provider.get_tracer("moorage")
        self._extract = TraceContextTextMapPropagator().extract

    def begin(self, traceparent: bytes | None, tracestate: bytes | None, door: str, began: float) -> Trace:
        """A request came, at `began` (monotonic seconds)."""
        return Trace(self, self._span(traceparent, tracestate, *_described(door), began), door)

    def refused(
        self, traceparent: bytes | None, tracestate: bytes | None, method: str, began: float, status: int, reason: str
    ) -> None:
        """A request over HTTP that came at `began` (monotonic seconds) was refused before any door."""
        method = method if method in _METHODS else "_OTHER"
        attributes = {"http.request.method": method, "http.response.status_code": status, "moorage.reason": reason}
        span = self._span(traceparent, tracestate, "HTTP" if method == "_OTHER" else method, attributes, began)
        if status >= 500:
            span.set_attribute("error.type", reason)
            span.set_status(self.error(reason))
        span.end()

    def _span(
        self,
        traceparent: bytes | None,
        tracestate: bytes | None,
        name: str,
        attributes: Mapping[str, Any],
        began: float,
    ) -> Any:
        parent = parse(traceparent, tracestate)
        carrier = {name.decode(): value.decode() for name, value in parent.headers()} if parent else {}
        return self._tracer.start_span(
            name,
            context=self._extract(carrier),
            kind=self._api.SpanKind.SERVER,
            attributes=attributes,
            start_time=_epoch(began),
        )

    def child(self, parent: Any, name: str, began: float, ended: float, attributes: Mapping[str, Any]) -> None:
        """A part of a request that is over."""
        context = self._api.set_span_in_context(parent)
        span = self._tracer.start_span(name, context=context, attributes=attributes, start_time=_epoch(began))
        span.end(_epoch(ended))

    def error(self, reason: str) -> Any:
        """A span's status that says what went wrong."""
        return self._api.Status(self._api.StatusCode.ERROR, reason)

    def close(self, seconds: float) -> None:
        """Send what is left, but wait no longer than this for a collector."""
        sender = threading.Thread(target=self._provider.shutdown, daemon=True)
        sender.start()
        sender.join(seconds)


def from_environment(environ: Mapping[str, str], resource: Mapping[str, str]) -> Tracer | None:
    """A tracer, if the variables name a collector and do not switch tracing off. `resource`: who this process is."""
    wanted = any(environ.get(name) for name in ENDPOINTS)
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if not wanted or off:
        return None
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        log.error("traces are not exported: only the protocol http/protobuf is spoken", extra={"protocol": protocol})
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = {"service.name": "moorage", **resource}
    told = {key: value for key, value in own.items() if key != "service.name" or not environ.get("OTEL_SERVICE_NAME")}
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracer(provider)


def route_of(door: str) -> str | None:
    """The path of a door's predictions over HTTP, with a placeholder for the model; None for other doors."""
    return _HTTP.get(door)


def _described(door: str) -> tuple[str, dict[str, Any]]:
    route = _HTTP.get(door)
    if route is not None:
        return f"POST {route}", {"http.request.method": "POST", "http.route": route}
    service = "inference.GRPCInferenceService"
    return f"{service}/ModelInfer", {"rpc.system": "grpc", "rpc.service": service, "rpc.method": "ModelInfer"}


def _epoch(monotonic: float) -> int:
    return time.time_ns() - int((time.monotonic() - monotonic) * 1e9)
