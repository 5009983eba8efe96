"""What an S3 server or the way to it can say, as reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons

_CODES = {
    "NoSuchBucket": reasons.BUCKET_NOT_FOUND,
    "NoSuchKey": reasons.ARTIFACT_NOT_FOUND,
    "PreconditionFailed": reasons.DOWNLOAD_INTERRUPTED,
    "XAdminUserNotFound": reasons.ACCESS_DENIED,
    "InvalidAccessKeyId": reasons.ACCESS_DENIED,
    "SignatureDoesNotMatch": reasons.ACCESS_DENIED,
    "ExpiredToken": reasons.ACCESS_DENIED,
    "InvalidToken": reasons.ACCESS_DENIED,
    "RequestTimeTooSkewed": reasons.ACCESS_DENIED,
    "RequestTimeout": reasons.STORE_TIMEOUT,
    "SlowDown": reasons.STORE_ERROR,
}
_STATUSES = {
    401: reasons.ACCESS_DENIED,
    403: reasons.ACCESS_DENIED,
    404: reasons.ARTIFACT_NOT_FOUND,
    412: reasons.DOWNLOAD_INTERRUPTED,
    416: reasons.DOWNLOAD_INTERRUPTED,
}


_UNREACHABLE = ("EndpointConnectionError", "ConnectionClosedError", "ProxyConnectionError")
_TIMEOUTS = ("ConnectTimeoutError", "ReadTimeoutError")
_WITHOUT_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError")


@contextmanager
def faults(bucket: str, key: str) -> Iterator[None]:
    """Turn botocore's and urllib3's errors into `ArtifactFault`; leaves the disk's own errors alone."""
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _answered(error.response, bucket, key) from error
    except (BotoCoreError, HTTPError) as error:
        raise _unanswered(error, key) from error


def _unanswered(error: Exception, key: str) -> ArtifactFault:
    """The fault behind an error of the client itself, told by its class name: botocore's classes mix two trees."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names.intersection(_WITHOUT_CREDENTIALS):
        return reasons.refuse(
            reasons.CREDENTIALS_MISSING,
            "no credentials for the S3 store: give spec.model.secretName a Secret of this namespace with the keys "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or spec.model.serviceAccountName one with a cloud role",
        )
    if "SSLError" in names:
        return _tls(error)
    if names.intersection(_TIMEOUTS):
        return reasons.refuse(
            reasons.STORE_TIMEOUT, "the S3 store did not answer in time; check its load and the network policy"
        )
    if names.intersection(_UNREACHABLE):
        return reasons.refuse(
            reasons.STORE_UNREACHABLE,
            "no connection to the S3 store; check the registry's endpoint, the name service and the network policy",
        )
    return reasons.refuse(
        reasons.DOWNLOAD_INTERRUPTED, f"the connection was cut while reading {key}; the next try resumes"
    )


def _answered(response: dict[str, dict[str, object]], bucket: str, key: str) -> ArtifactFault:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)))
    reason = _CODES.get(code) or _STATUSES.get(status, reasons.STORE_ERROR)
    said = f"(the store said {status} {code[:60]})"
    at = f"s3://{bucket}/{key}"
    messages = {
        reasons.BUCKET_NOT_FOUND: f"no bucket {bucket}; check spec.model.storageUri and the registry's endpoint",
        reasons.ARTIFACT_NOT_FOUND: f"nothing is stored at {at}; check spec.model.storageUri",
        reasons.ACCESS_DENIED: f"the store refused these credentials for {at}; check their Secret or role",
        reasons.DOWNLOAD_INTERRUPTED: f"{at} changed while it was being read; the next try starts it over",
        reasons.STORE_TIMEOUT: "the store gave up on a request",
        reasons.STORE_ERROR: "the store failed; it is tried again",
    }
    return reasons.refuse(reason, f"{messages[reason]} {said}")


def _tls(error: Exception) -> ArtifactFault:
    cause = str(error).rpartition(":")[2].strip() if "certificate" in str(error) else "handshake failed"
    return reasons.refuse(
        reasons.TLS_FAILURE, f"the S3 store's certificate is not trusted ({cause[:120]}); give the registry its CA file"
    )
