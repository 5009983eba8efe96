"""What MLflow's client can fail with, as reasons.

MLflow wraps what went wrong more than once, and keeps of some causes only their text. So the chain of exceptions is
read first, and the text last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons

_STATUS = re.compile(r"\b(\d{3}) (?:Client|Server) Error\b|too many (\d{3}) error responses")
_HOST_CHECK = re.compile(r"Invalid Host header|DNS rebinding", re.IGNORECASE)
_WORDS = (
    (re.compile(r"SSLError|CERTIFICATE_VERIFY_FAILED|SSL:"), reasons.TLS_FAILURE),
    (re.compile(r"timed? ?out", re.IGNORECASE), reasons.STORE_TIMEOUT),
    (
        re.compile(r"Connection refused|Name or service not known|name resolution|NewConnectionError|NameResolution"),
        reasons.STORE_UNREACHABLE,
    ),
)
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
    reasons.UNSAFE_PATH: "the MLflow server lists a file whose path leaves the artifact; register it again, renamed",
}


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Turn whatever MLflow's client raises into `ArtifactFault`; leaves the disk's own errors alone."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        raise classify(error, what) from error


def classify(error: BaseException, what: str) -> ArtifactFault:
    """The fault that an exception of MLflow's client stands for, by its chain of causes and its text."""
    chain = list(_chain(error))
    text = "\n".join(_text(link) for link in chain)
    disk = next((link for link in chain if isinstance(link, OSError) and link.errno in (27, 28, 122)), None)
    if disk:
        raise disk
    reason, status = _reason(chain, text)
    said = f" (it said {status})" if status else ""
    return reasons.refuse(reason, f"{what}: {_MESSAGES[reason]}{said}")


def _reason(chain: list[BaseException], text: str) -> tuple[str, int | None]:
    status = _status(chain, text)
    if status is not None:
        return _by_status(status, text), status
    for words, reason in _WORDS:
        if words.search(text):
            return reason, None
    if "Invalid path" in text:
        return reasons.UNSAFE_PATH, None
    return reasons.DOWNLOAD_INTERRUPTED, None


def _by_status(status: int, text: str) -> str:
    if status == 403 and _HOST_CHECK.search(text):
        return reasons.HOST_NOT_ALLOWED
    if status in (401, 403):
        return reasons.ACCESS_DENIED
    if status in (400, 404):
        return reasons.ARTIFACT_NOT_FOUND
    return reasons.STORE_ERROR


def _status(chain: list[BaseException], text: str) -> int | None:
    for link in chain:
        response = getattr(link, "response", None)
        if response is not None:
            return int(response.status_code)
    found = _STATUS.search(text)
    return int(found[1] or found[2]) if found else None


def _text(link: BaseException) -> str:
    response = getattr(link, "response", None)
    body = response.text[:2000] if response is not None else ""
    return f"{type(link).__name__}: {link} {body}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
