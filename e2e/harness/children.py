"""What the children of a namespace amount to, with all that may differ from run to run left out."""

from __future__ import annotations

import json
from typing import Any

from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import CHILDREN, POD

ALLOCATED = {"clusterIP", "clusterIPs", "resourceVersion", "uid"}
RUNNING_NUMBERS = {"deployment.kubernetes.io/revision", "moorage.dev/routes-generation", "moorage.dev/content-hash"}


def amount_to(api: ApiServer, namespace: str) -> dict[str, str]:
    """Every child by kind and name, as text that is equal whenever the children mean the same."""
    found = {}
    for kind, url in CHILDREN.items():
        for body in api.all(url, namespace):
            if body["metadata"].get("ownerReferences"):
                text = json.dumps(meaning(kind, body), sort_keys=True)
                found[f"{kind}/{body['metadata']['name']}"] = text.replace(namespace, "NAMESPACE")
    return found


def meaning(kind: str, body: Object) -> Object:
    """One child without identity, times and running numbers."""
    metadata = body["metadata"]
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k not in RUNNING_NUMBERS}
    owners = [{k: v for k, v in owner.items() if k != "uid"} for owner in metadata.get("ownerReferences", [])]
    content = {key: value for key, value in body.items() if key not in {"metadata", "status", "apiVersion", "kind"}}
    kept: Object = {
        "labels": metadata.get("labels"),
        "annotations": annotations,
        "owners": owners,
        **_stripped(content),
    }
    if kind == "ConfigMap":
        kept["data"] = {key: _without_numbers(text) for key, text in body.get("data", {}).items()}
        kept.pop("annotations")
    if kind == "ControllerRevision":
        kept.pop("revision", None)
    return kept


def pods_that_stay(api: ApiServer, namespace: str) -> int:
    """How many pods are there and not on their way out."""
    return sum("deletionTimestamp" not in pod["metadata"] for pod in api.all(POD, namespace))


def _without_numbers(text: str) -> Any:
    """A route table without its generation, and without the addresses that the cluster gave to Services."""
    data = json.loads(text)
    data.pop("generation", None)
    for route in data.get("revisions", {}).values():
        route["address"] = bool(route.get("address"))
    return data


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stripped(v) for k, v in value.items() if k not in ALLOCATED | RUNNING_NUMBERS}
    return [_stripped(item) for item in value] if isinstance(value, list) else value
