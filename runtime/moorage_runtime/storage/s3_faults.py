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


@contextmanager
def faults(bucket: str, key: str) -> Iterator[None]:
    """Turn botocore's and urllib3's errors into `ArtifactFault`; leaves the disk's own errors alone."""
    from botocore import exceptions as boto
    from urllib3 import exceptions as http

    try:
        yield
    except boto.ClientError as error:
        raise _answered(error.response, bucket, key) from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
        raise reasons.refuse(
            reasons.CREDENTIALS_MISSING,
            "no credentials for the S3 store: give spec.model.secretName a Secret of this namespace with the keys "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or spec.model.serviceAccountName an account with a cloud role",
        ) from error
    except boto.SSLError as error:
        raise _tls(error) from error
    except (boto.ConnectTimeoutError, boto.ReadTimeoutError, http.ReadTimeoutError) as error:
        raise reasons.refuse(
            reasons.STORE_TIMEOUT, "the S3 store did not answer in time; check its load and the network policy"
        ) from error
    except (boto.IncompleteReadError, boto.ResponseStreamingError, boto.FlexibleChecksumError) as error:
        raise _cut(key) from error
    except (boto.EndpointConnectionError, boto.ConnectionClosedError, boto.ProxyConnectionError) as error:
        raise reasons.refuse(
            reasons.STORE_UNREACHABLE,
            "no connection to the S3 store; check the registry's endpoint, the name service and the network policy",
        ) from error
    except (http.HTTPError, boto.HTTPClientError) as error:
        raise _cut(key) from error
    except boto.BotoCoreError as error:
        raise reasons.refuse(reasons.STORE_ERROR, f"the S3 client failed: {type(error).__name__}") from error


def _answered(response: dict[str, dict[str, object]], bucket: str, key: str) -> ArtifactFault:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)))
    reason = _CODES.get(code) or _STATUSES.get(status, reasons.STORE_ERROR)
    said = f"(the store said {status} {code[:60]})"
    messages = {
        reasons.BUCKET_NOT_FOUND: f"there is no bucket {bucket}; check spec.model.storageUri and the registry's endpoint",
        reasons.ARTIFACT_NOT_FOUND: f"nothing is stored at s3://{bucket}/{key}; check spec.model.storageUri",
        reasons.ACCESS_DENIED: f"the store refused these credentials for s3://{bucket}/{key}; check their Secret or role",
        reasons.DOWNLOAD_INTERRUPTED: f"s3://{bucket}/{key} changed while it was being read; the next try starts it over",
        reasons.STORE_TIMEOUT: "the store gave up on a request",
        reasons.STORE_ERROR: "the store failed; it is tried again",
    }
    return reasons.refuse(reason, f"{messages[reason]} {said}")


def _tls(error: Exception) -> ArtifactFault:
    cause = str(error).rpartition(":")[2].strip() if "certificate" in str(error) else "handshake failed"
    return reasons.refuse(
        reasons.TLS_FAILURE, f"the S3 store's certificate is not trusted ({cause[:120]}); give the registry its CA file"
    )


def _cut(key: str) -> ArtifactFault:
    return reasons.refuse(
        reasons.DOWNLOAD_INTERRUPTED, f"the connection was cut while reading {key}; the next try resumes"
    )
