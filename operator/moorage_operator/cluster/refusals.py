"""What the API server says no with, told as a fault that a user can act on."""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.api.records import ObjectRef
from moorage_operator.cluster.server import ApiError
from moorage_operator.errors import ApplyFault

RETRY_AFTER = 30.0

_BY_WORDS = (
    ("exceeded quota", Reason.QUOTA_EXCEEDED),
    ("must specify", Reason.QUOTA_EXCEEDED),
    ("violates PodSecurity", Reason.POD_SECURITY_REFUSED),
    ("being terminated", Reason.NAMESPACE_TERMINATING),
    ("admission webhook", Reason.ADMISSION_REFUSED),
    ("ValidatingAdmissionPolicy", Reason.ADMISSION_REFUSED),
    ("cannot patch resource", Reason.OPERATOR_FORBIDDEN),
    ("cannot create resource", Reason.OPERATOR_FORBIDDEN),
    ("cannot delete resource", Reason.OPERATOR_FORBIDDEN),
    ("too large", Reason.OBJECT_TOO_LARGE),
)
_BY_CODE = {
    400: Reason.CHILD_REFUSED,
    403: Reason.ADMISSION_REFUSED,
    413: Reason.OBJECT_TOO_LARGE,
    422: Reason.CHILD_REFUSED,
}


def as_fault(error: ApiError, ref: ObjectRef) -> ApplyFault | None:
    """The fault behind a refused write; None when only time helps (no answer, a conflict, trouble of the server)."""
    reason = _by_words(error.message) or _BY_CODE.get(error.code)
    if reason is None or error.code in (0, 409, 429):
        return None
    said = " ".join(error.message.split()).rstrip(". ")[:600]
    message = f"{ref.kind} {ref.name} was refused by the API server: {said}. {reason.cure}"
    return ApplyFault(reason, message, retry_after=RETRY_AFTER, child=ref.name)


def _by_words(message: str) -> Reason | None:
    return next((reason for words, reason in _BY_WORDS if words in message), None)
