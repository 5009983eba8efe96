"""A resource means the same to the pod that the operator starts and to `moorage run` on a laptop."""

from __future__ import annotations

import pytest
from tests.contract.crd_cases import TAKEN, Case, merged

from moorage_operator.api.records import CacheServer, Defaults, Endpoint, Resolved
from moorage_operator.commands.resources import parse
from moorage_operator.desired.runtime_config import runtime_config
from moorage_runtime.commands.resource import wish

CACHES = {name: CacheServer("redis://r") for name in ("default", "eu-1")}
RESOLVED = Resolved("s3://b/1", "1", "s3://models/fraud/1")
SAME = ("digest", "model_format", "test_request", "timeout_seconds", "onnx", "batcher", "access_log_percent")
IN_LIMITS = ("body_bytes", "json_bytes", "elements", "concurrency", "queue")
IN_CACHE = ("max_entries", "ttl_seconds", "max_bytes")


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_both_read_it_alike(case: Case) -> None:
    owner = parse(merged(case.body, {}), "risk")
    in_pod = runtime_config(owner, RESOLVED, "abc", Defaults(image="i", caches=CACHES), Endpoint())
    on_laptop = wish(case.body).settings
    for field in SAME:
        assert getattr(on_laptop, field) == getattr(in_pod, field), field
    for field in IN_LIMITS:
        assert getattr(on_laptop.limits, field) == getattr(in_pod.limits, field), field
    assert (on_laptop.cache is None) == (in_pod.cache is None)
    for field in IN_CACHE if in_pod.cache is not None else ():
        assert getattr(on_laptop.cache, field) == getattr(in_pod.cache, field), field
