"""The NetworkPolicy around every pod of one deployment."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults
from moorage_operator.desired.metadata import metadata
from moorage_operator.names import common_labels, network_policy, owner_selector
from moorage_runtime.config import ADMIN_PORT, GRPC_PORT, HTTP_PORT

_DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}


def policy(owner: ModelDeployment, defaults: Defaults) -> dict[str, Any]:
    """In: predictions from everywhere, the admin port from its peers. Out: DNS, each other, and the artifact stores."""
    name = owner.metadata.name
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": owner_selector(name)},
        "policyTypes": ["Ingress"],
        "ingress": _ingress(defaults),
    }
    if defaults.egress:
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec["egress"] = [_DNS, _siblings(name), *(dict(rule) for rule in defaults.egress)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(owner, network_policy(name), common_labels(name)),
        "spec": spec,
    }


def _siblings(name: str) -> dict[str, Any]:
    """The stable pods send the candidate its share of the requests."""
    peers = [{"podSelector": {"matchLabels": owner_selector(name)}}]
    return {"ports": [{"port": HTTP_PORT, "protocol": "TCP"}], "to": peers}


def _ingress(defaults: Defaults) -> list[dict[str, Any]]:
    predictions: dict[str, Any] = {"ports": [{"port": port, "protocol": "TCP"} for port in (HTTP_PORT, GRPC_PORT)]}
    if not defaults.admin_peers:
        # An empty `from` would mean everybody.
        return [predictions]
    admin = {
        "ports": [{"port": ADMIN_PORT, "protocol": "TCP"}],
        "from": [dict(peer) for peer in defaults.admin_peers],
    }
    return [predictions, admin]
