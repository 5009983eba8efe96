"""What the API server says no with, told as a fault that a user can act on."""

from __future__ import annotations

from moorage_operator.api.records import ObjectRef
from moorage_operator.cluster.server import ApiError
from moorage_operator.errors import ApplyFault

_CURES = (
    # (words of the server's message, our reason, what to do)
    ("exceeded quota", "QuotaExceeded", "Raise the namespace's ResourceQuota or ask for less in spec.resources."),
    ("must specify limits", "QuotaExceeded", "The namespace's ResourceQuota wants limits; set spec.resources.limits."),
    ("violates PodSecurity", "PodSecurityRefused", "Remove from spec.podTemplate what the namespace's level forbids."),
    ("being terminated", "NamespaceTerminating", "The namespace is being deleted; nothing can be created in it."),
    ("admission webhook", "AdmissionRefused", "Ask the owner of that webhook, or change what it refuses."),
    ("ValidatingAdmissionPolicy", "AdmissionRefused", "Ask the owner of that policy, or change what it refuses."),
    ("is forbidden: User", "OperatorForbidden", "The operator lacks a permission; install its RBAC of this release."),
    (
        "cannot patch resource",
        "OperatorForbidden",
        "The operator lacks a permission; install its RBAC of this release.",
    ),
    ("too large", "ObjectTooLarge", "Make the spec smaller, testRequest and podTemplate above all."),
)


def as_fault(error: ApiError, ref: ObjectRef) -> ApplyFault | None:
    """The fault behind a refused write; None when only time or a retry helps (no answer, conflict, server trouble)."""
    for words, reason, cure in _CURES:
        if words in error.message:
            return _fault(reason, error, ref, cure)
    if error.code == 422 or error.code == 400:
        return _fault("ChildRefused", error, ref, "Correct the field of the spec that it names.")
    if error.code == 403:
        return _fault("AdmissionRefused", error, ref, "Ask the cluster's administrator who refuses it.")
    if error.code == 413:
        return _fault("ObjectTooLarge", error, ref, "Make the spec smaller, testRequest and podTemplate above all.")
    return None


def _fault(reason: str, error: ApiError, ref: ObjectRef, cure: str) -> ApplyFault:
    said = error.message.rstrip(". ")
    return ApplyFault(reason, f"{ref.kind} {ref.name} was refused by the API server: {said}. {cure}", retry_after=30.0)
