"""Real refusals of an API server 1.36, and the faults that they become."""

from __future__ import annotations

import pytest

from moorage_operator.api.records import ObjectRef
from moorage_operator.cluster.refusals import as_fault
from moorage_operator.cluster.server import ApiError

REF = ObjectRef("Deployment", "demo-abc")


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        (403, 'services "demo" is forbidden: exceeded quota: q, requested: count/services=1, used: 0', "QuotaExceeded"),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath', "PodSecurityRefused"),
        (403, 'configmaps "x" is forbidden: unable to create new content in namespace a because it is being terminated',
         "NamespaceTerminating"),
        (400, 'admission webhook "v.example.com" denied the request: no', "AdmissionRefused"),
        (422, "deployments.apps \"x\": ValidatingAdmissionPolicy 'p' denied request", "AdmissionRefused"),
        (403, 'services "x" is forbidden: User "system:serviceaccount:moorage-system:moorage-operator" cannot patch '
         'resource "services" in API group "" in the namespace "a"', "OperatorForbidden"),
        (403, "no", "AdmissionRefused"),
        (422, 'Deployment.apps "x" is invalid: spec.template.spec.x: Invalid value', "ChildRefused"),
        (413, "Request entity too large: limit is 3145728", "ObjectTooLarge"),
        (500, "etcdserver: request is too large", "ObjectTooLarge"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_reason(code: int, message: str, reason: str) -> None:
    fault = as_fault(ApiError(code, "Forbidden", message), REF)
    assert fault is not None
    assert fault.reason == reason
    assert fault.message.startswith("Deployment demo-abc was refused by the API server: ")


@pytest.mark.parametrize("code", [0, 409, 429, 500, 503, 504])
def test_what_time_heals_is_no_fault(code: int) -> None:
    assert as_fault(ApiError(code, "Whatever", "etcdserver: leader changed"), REF) is None


def test_the_message_tells_what_was_said_and_what_to_do() -> None:
    fault = as_fault(
        ApiError(422, "Invalid", 'Service "demo" is invalid:\n spec.ports[0]: bad.'), ObjectRef("Service", "demo")
    )
    assert fault is not None
    assert fault.message == (
        'Service demo was refused by the API server: Service "demo" is invalid: spec.ports[0]: bad. '
        "Correct the field of the spec that it names."
    )
