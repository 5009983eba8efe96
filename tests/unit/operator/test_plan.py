"""When a child is written, and when it is left alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rollout.small_cluster import Object, SmallCluster, custom_resource

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.desired.metadata import seal
from moorage_operator.names import CONTENT_ANNOTATION
from moorage_operator.plan.contains import contains
from moorage_operator.plan.difference import difference
from moorage_operator.plan.update import differing_parts

SAME: dict[str, tuple[Any, Any]] = {
    "more fields": ({"a": 1, "b": 2}, {"a": 1}),
    "an empty wish": ({}, {"a": {}, "b": [], "c": "", "d": None}),
    "what the server drops when false": ({}, {"readOnly": False, "minReadySeconds": 0}),
    "a quantity in another spelling": ({"memory": "1Gi"}, {"memory": "1024Mi"}),
    "a number in another spelling": ({"cpu": "100m"}, {"cpu": 0.1}),
    "an added container": ({"containers": [{"name": "x"}, {"name": "a", "v": 1}]}, {"containers": [{"name": "a"}]}),
    "added environment": ({"env": [{"name": "A"}, {"name": "B"}]}, {"env": [{"name": "B", "value": ""}]}),
    "an added owner": ({"ownerReferences": [{"uid": "2"}, {"uid": "1"}]}, {"ownerReferences": [{"uid": "1"}]}),
    "a node port": (
        {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http", "nodePort": 30000}]},
        {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]},
    ),
}

DIFFERENT: dict[str, tuple[Any, Any]] = {
    "another value": ({"a": 1}, {"a": 2}),
    "a missing field": ({}, {"a": 1}),
    "a pointer that means something when false": ({}, {"automountServiceAccountToken": False}),
    "no replicas": ({}, {"replicas": 0}),
    "a true that was made false": ({"a": False}, {"a": True}),
    "another amount": ({"memory": "1Gi"}, {"memory": "1G"}),
    "a missing container": ({"containers": [{"name": "b"}]}, {"containers": [{"name": "a"}]}),
    "a longer atomic list": ({"tolerations": [{"key": "a"}, {"key": "b"}]}, {"tolerations": [{"key": "a"}]}),
    "an atomic list in another order": ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
    "an opened policy": (
        {"ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}, {"port": 1, "protocol": "TCP"}]}]},
        {"ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}]},
    ),
    "a list made a text": ({"args": "ab"}, {"args": ["a", "b"]}),
    "an object made a list": ({"a": []}, {"a": {"b": 1}}),
}


@pytest.mark.parametrize("title", SAME)
def test_contained(title: str) -> None:
    assert contains(*SAME[title])


@pytest.mark.parametrize("title", DIFFERENT)
def test_not_contained(title: str) -> None:
    assert not contains(*DIFFERENT[title])


def plain() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab1m", max_size=3)
    keys = st.sampled_from(("containers", "env", "args", "name", "port", "replicas", "x"))
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
    )


@settings(max_examples=200, deadline=None)
@given(plain())
def test_everything_contains_itself(value: Any) -> None:
    assert contains(copy.deepcopy(value), value)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), plain()), st.dictionaries(st.sampled_from("def"), plain()))
def test_additions_of_others_never_matter(wished: dict[str, Any], added: dict[str, Any]) -> None:
    assert contains({**wished, **added}, wished)


def body(**spec: Any) -> Object:
    metadata = {"name": "a", "annotations": {}, "labels": {"l": "1"}, "ownerReferences": [{"uid": "u"}]}
    return seal({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def test_why_a_child_is_written() -> None:
    wished, live = body(a=1, b=2), {**body(a=1, b=2), "status": {}}
    assert difference(None, wished) == "missing"
    assert difference(live, wished) is None
    assert difference(live, body(a=1)) == "changed", "a field that is wished no longer shows in the hash only"
    assert difference({**live, "spec": {"a": 1, "b": 3}}, wished) == "drifted"
    assert difference({**live, "metadata": {**live["metadata"], "labels": {}}}, wished) == "drifted"
    assert difference({**live, "metadata": {**live["metadata"], "ownerReferences": []}}, wished) == "drifted"


def test_the_hash_is_over_everything_but_itself() -> None:
    assert seal(body(a=1))["metadata"]["annotations"] != body(a=1)["metadata"]["annotations"]
    assert body(a=1, b=2) == body(b=2, a=1)
    assert len(body()["metadata"]["annotations"][CONTENT_ANNOTATION]) == 16


def specs() -> st.SearchStrategy[dict[str, Any]]:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
    }
    amounts = st.dictionaries(st.sampled_from(("cpu", "memory")), st.sampled_from(("1", "500m", "2Gi")))
    return st.fixed_dictionaries(
        {},
        optional={
            "minReplicas": st.integers(1, 3),
            "maxReplicas": st.integers(3, 5),
            "autoScaling": st.just({"metrics": [metric]}),
            "env": st.just([{"name": "A", "value": "x"}]),
            "resources": st.fixed_dictionaries({}, optional={"requests": amounts, "limits": amounts}),
            "nodeSelector": st.just({"disk": "ssd"}),
            "timeout": st.sampled_from(("5s", "1m")),
            "progressDeadlineSeconds": st.integers(10, 900),
        },
    )


@settings(max_examples=25, deadline=None)
@given(specs(), specs())
def test_what_was_written_is_not_written_again(first: dict[str, Any], second: dict[str, Any]) -> None:
    cluster = SmallCluster(custom_resource(**first))
    cluster.run(10)
    cluster.edit(**second)
    cluster.run(20)
    cluster.run(60, tick=10)
    cluster.writes.clear()
    status = copy.deepcopy(cluster.status)
    cluster.run(2)
    assert cluster.writes == []
    assert cluster.status == status
    assert cluster.condition("Ready")["observedGeneration"] == 2


@settings(max_examples=15, deadline=None)
@given(specs(), specs())
def test_the_way_to_a_spec_leaves_no_trace(first: dict[str, Any], second: dict[str, Any]) -> None:
    travelled, fresh = SmallCluster(custom_resource(**first)), SmallCluster(custom_resource(**{**first, **second}))
    travelled.run(10)
    travelled.edit(**second)
    for cluster in (travelled, fresh):
        cluster.run(20)
        cluster.run(60, tick=10)
    assert children(travelled) == children(fresh)


def children(cluster: SmallCluster) -> dict[str, Object]:
    """What was wished last, without running numbers and what is remembered of the way."""
    serving = f"fraud-{cluster.status['stable']['revision']}"
    return {
        f"{ref.kind}/{ref.name}": body
        for ref, body in cluster.wishes().items()
        if ref.kind != "ConfigMap" and (ref.kind != "ControllerRevision" or ref.name == serving)
    }


def blueprint(template: Object, *, rebuilt: bool = False) -> Blueprint:
    return Blueprint("0123456789", "1", "s3://a", "s3://a", template, rebuilt)


def test_an_update_names_the_parts_that_differ() -> None:
    born = {"spec": {"containers": [{"name": "server", "image": "a", "args": ["serve"]}], "fsGroup": 1}}
    fresh = {"spec": {"containers": [{"name": "server", "image": "b", "args": ["serve"]}], "hostUsers": True}}
    assert differing_parts(blueprint(born), blueprint(born)) == ()
    assert differing_parts(blueprint(born), blueprint(fresh)) == (
        "spec.containers.server.image",
        "spec.fsGroup",
        "spec.hostUsers",
    )


def test_what_the_api_server_filled_in_is_no_update() -> None:
    fresh = {"spec": {"containers": [{"name": "server"}]}}
    live = {"spec": {"containers": [{"name": "server"}], "dnsPolicy": "ClusterFirst"}}
    assert differing_parts(blueprint(live, rebuilt=True), blueprint(fresh)) == ()
    assert differing_parts(blueprint(live), blueprint(fresh)) == ("spec.dnsPolicy",)
