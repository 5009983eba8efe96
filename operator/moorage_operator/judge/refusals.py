"""Who said no: the API server to a pod or a child, or a foreign object under a name that we need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem
from moorage_operator.api.records import Body, ObjectRef
from moorage_operator.errors import Fault
from moorage_operator.observed.pod import find_condition

_SIGNS = (
    (
        "exceeded quota",
        Reason.QUOTA_EXCEEDED,
        "Raise the namespace's ResourceQuota, or ask for less in spec.resources.",
    ),
    ("failed quota", Reason.QUOTA_EXCEEDED, "The namespace's ResourceQuota wants more limits; set spec.resources."),
    ("violates PodSecurity", Reason.POD_SECURITY_REFUSED, "Remove from spec.podTemplate what the level forbids."),
    ("error looking up service account", Reason.SERVICE_ACCOUNT_MISSING, "Create it in this namespace."),
    ("serviceaccount", Reason.SERVICE_ACCOUNT_MISSING, "Create it in this namespace."),
    ("admission webhook", Reason.ADMISSION_REFUSED, "Ask the webhook's owner, or change what it refuses."),
    ("ValidatingAdmissionPolicy", Reason.ADMISSION_REFUSED, "Ask the policy's owner, or change what it refuses."),
    ("", Reason.POD_REFUSED, "Correct what it names."),
)

# The name is drawn anew at every try: left in, it would change the status every time.
_NAMED = re.compile(r'^(Error creating: )?pods? "[^"]*" (is forbidden: )?')


def replica_failure(deployment: Body | None) -> Problem | None:
    """Why the Deployment's pods cannot be created at all."""
    failure = find_condition(deployment, "ReplicaFailure") if deployment is not None else {}
    if failure.get("status") != "True":
        return None
    said = _NAMED.sub("", str(failure.get("message") or "no reason given")).rstrip(". ")
    reason, cure = next((reason, cure) for sign, reason, cure in _SIGNS if sign in said)
    return Problem(reason, f"The pod cannot be created: {said}. {cure}", terminal=True)


def refused(faults: Sequence[Fault]) -> Problem | None:
    """The first fault that the writes of this pass met."""
    return next((Problem(fault.reason, fault.message, terminal=True) for fault in faults), None)


def conflict(wished: Iterable[ObjectRef], foreign: frozenset[ObjectRef]) -> Problem | None:
    """An object of somebody else that stands where a child should."""
    taken = sorted(foreign.intersection(wished), key=lambda ref: (ref.kind, ref.name))
    if not taken:
        return None
    names = ", ".join(f"{ref.kind} {ref.name}" for ref in taken)
    message = (
        f"{names} belongs to somebody else and is left untouched. Delete or rename it, or give this ModelDeployment "
        "another name."
    )
    return Problem(Reason.NAME_CONFLICT, message, terminal=True)
