"""Does one child have to be written, and why?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_operator.api.records import Body
from moorage_operator.names import CHILD_MANAGER, CONTENT_ANNOTATION
from moorage_operator.plan.contains import contains

_IDENTITY = frozenset({"apiVersion", "kind"})


def difference(live: Body | None, wished: Body) -> str | None:
    """One word: missing, changed (by us), drifted (by somebody else), handover; None when nothing is to be done.

    A live object may hold more than we wish for: fields and list items of others stay. Fields of ours that we no longer
    wish for cannot be seen in it; they show in the hash that the object carries of our last wish.
    """
    if live is None:
        return "missing"
    if _content(live) != _content(wished):
        return "changed"
    body = {key: value for key, value in wished.items() if key not in _IDENTITY}
    if not contains(live, body):
        return "drifted"
    return "handover" if hands_over(live, wished) else None


def hands_over(live: Body | None, wished: Body) -> bool:
    """Whether we still own a Deployment's replicas, though an autoscaler should."""
    if live is None or wished["kind"] != "Deployment" or "replicas" in wished["spec"]:
        return False
    return any(_owns_replicas(entry) for entry in live["metadata"].get("managedFields") or ())


def _owns_replicas(entry: Mapping[str, Any]) -> bool:
    if entry.get("manager") != CHILD_MANAGER or entry.get("operation") != "Apply" or entry.get("subresource"):
        return False
    return "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})


def _content(body: Body) -> object:
    return (body["metadata"].get("annotations") or {}).get(CONTENT_ANNOTATION)
