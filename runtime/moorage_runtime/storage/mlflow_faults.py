"""What an MLflow server or the way to it can say, as reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons

_HOST_CHECK = re.compile(rb"Invalid Host header|DNS rebinding", re.IGNORECASE)
_MESSAGES = {
    reasons.ARTIFACT_NOT_FOUND: "the MLflow server has no such artifact; check spec.model.storageUri",
    reasons.ACCESS_DENIED: "the MLflow server refused these credentials; the Secret needs MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    reasons.HOST_NOT_ALLOWED: "the MLflow server refuses the host name it is called by; start it with --allowed-hosts "
    "naming the host of the registry's tracking URI",
    reasons.STORE_ERROR: "the MLflow server, or the store behind it, failed; it is tried again",
    reasons.TLS_FAILURE: "the MLflow server's certificate is not trusted; give the registry its CA file",
    reasons.STORE_TIMEOUT: "the MLflow server did not answer in time; check its load and the network policy",
    reasons.STORE_UNREACHABLE: "no connection to the MLflow server; check the registry's tracking URI, "
    "the name service and the network policy",
    reasons.DOWNLOAD_INTERRUPTED: "the connection to the MLflow server was cut; the next try goes on",
}
_STATUSES = {
    400: reasons.ARTIFACT_NOT_FOUND,
    401: reasons.ACCESS_DENIED,
    403: reasons.ACCESS_DENIED,
    404: reasons.ARTIFACT_NOT_FOUND,
    416: reasons.DOWNLOAD_INTERRUPTED,
}


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Turn urllib3's errors into `ArtifactFault`; leaves the disk's own errors alone."""
    from urllib3.exceptions import HTTPError

    try:
        yield
    except HTTPError as error:
        raise _refusal(_unanswered(error), what) from error


def answered(status: int, body: bytes, what: str) -> ArtifactFault:
    """The fault for an answer that is no content; `body`: its beginning."""
    reason = _STATUSES.get(status, reasons.STORE_ERROR)
    if status == 403 and _HOST_CHECK.search(body):
        reason = reasons.HOST_NOT_ALLOWED
    return _refusal(reason, what, f" (it said {status})")


def _refusal(reason: str, what: str, said: str = "") -> ArtifactFault:
    return reasons.refuse(reason, f"{what}: {_MESSAGES[reason]}{said}")


def _unanswered(error: Exception) -> str:
    from urllib3 import exceptions

    if isinstance(error, exceptions.SSLError):
        return reasons.TLS_FAILURE
    # urllib3 counts a connection that could not be made among its timeouts.
    if isinstance(error, exceptions.NewConnectionError):
        return reasons.STORE_UNREACHABLE
    return reasons.STORE_TIMEOUT if isinstance(error, exceptions.TimeoutError) else reasons.DOWNLOAD_INTERRUPTED
