"""Whose object is it, and which key does an event belong to."""

from __future__ import annotations

from typing import Any

import pytest

from moorage_operator import names
from moorage_operator.api.records import Key
from moorage_operator.cluster.ownership import is_ours, left_behind
from moorage_operator.handlers.keys import key_of

OWN = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "demo", "uid": "u1", "controller": True}
LABEL = {names.OWNER_LABEL: "demo"}
OURS = [{"manager": names.CHILD_MANAGER}]


def body(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": "x", "namespace": "ns", **metadata}}


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({"ownerReferences": [OWN], "labels": LABEL}, True),
        ({"ownerReferences": [OWN]}, True),
        ({"ownerReferences": [{**OWN, "uid": "u0"}], "labels": LABEL, "managedFields": OURS}, False),
        ({"labels": LABEL, "managedFields": OURS}, True),
        ({"ownerReferences": [{"uid": "x"}], "labels": LABEL, "managedFields": OURS}, True),
        ({"labels": LABEL}, False),
        ({"labels": LABEL, "managedFields": [{"manager": "kubectl"}]}, False),
        ({"managedFields": OURS}, False),
        ({"labels": {names.OWNER_LABEL: "other"}, "managedFields": OURS}, False),
        ({}, False),
    ],
    ids=[
        "owned and labelled",
        "label removed",
        "child of a deleted namesake",
        "ownerReference removed",
        "ownerReference replaced by a mere owner",
        "a stranger with our label",
        "written by somebody else",
        "both removed",
        "child of another",
        "a stranger",
    ],
)
def test_ownership(metadata: dict[str, Any], ours: bool) -> None:
    assert is_ours(body(**metadata), "demo", "u1") is ours


def test_what_a_deleted_namesake_left_behind() -> None:
    assert left_behind(body(ownerReferences=[{**OWN, "uid": "u0"}]), "demo", "u1")
    assert not left_behind(body(ownerReferences=[OWN]), "demo", "u1")
    assert not left_behind(body(ownerReferences=[{**OWN, "name": "other", "uid": "u0"}]), "demo", "u1")
    assert not left_behind(body(ownerReferences=[{**OWN, "kind": "ReplicaSet", "uid": "u0"}]), "demo", "u1")
    assert not left_behind(body(labels=LABEL, managedFields=OURS), "demo", "u1")


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"kind": names.KIND, "metadata": {"name": "demo", "namespace": "ns"}}, Key("ns", "demo")),
        (body(labels=LABEL), Key("ns", "demo")),
        (body(ownerReferences=[OWN]), Key("ns", "demo")),
        (body(labels={names.OWNER_LABEL: "a"}, ownerReferences=[OWN]), Key("ns", "a")),
        (body(ownerReferences=[{**OWN, "apiVersion": "apps/v1", "kind": "ReplicaSet"}]), None),
        (body(), None),
        ({"kind": "Namespace", "metadata": {"name": "ns"}}, None),
        ({}, None),
    ],
)
def test_the_key_of_an_event(event: dict[str, Any], key: Key | None) -> None:
    assert key_of(event) == key
