"""Every reason for which an artifact is refused, and the fault that carries it.

A reason is what a user reads in the CR's condition; the message says what is wrong and what to do about it.
`docs/runtime.md` lists them with their cures; a test holds the two together.
"""

from __future__ import annotations

from moorage_runtime.errors import ArtifactFault

ARTIFACT_NOT_FOUND = "ArtifactNotFound"
BUCKET_NOT_FOUND = "BucketNotFound"
ACCESS_DENIED = "AccessDenied"
CREDENTIALS_MISSING = "CredentialsMissing"
HOST_NOT_ALLOWED = "HostNotAllowed"
STORE_UNREACHABLE = "StoreUnreachable"
STORE_TIMEOUT = "StoreTimeout"
STORE_ERROR = "StoreError"
TLS_FAILURE = "TLSFailure"
ARTIFACT_TOO_LARGE = "ArtifactTooLarge"
MEMORY_TOO_SMALL = "MemoryTooSmall"
TOO_MANY_FILES = "TooManyFiles"
UNSAFE_PATH = "UnsafePath"
LINK_REFUSED = "LinkRefused"
DIGEST_MISMATCH = "DigestMismatch"
DOWNLOAD_INTERRUPTED = "DownloadInterrupted"
DISK_FULL = "DiskFull"
FORMAT_UNKNOWN = "FormatUnknown"
FORMAT_UNSUPPORTED = "FormatUnsupported"
ARTIFACT_CORRUPT = "ArtifactCorrupt"
ONNX_VERSION_UNSUPPORTED = "OnnxVersionUnsupported"
OPERATOR_UNSUPPORTED = "OperatorUnsupported"
EXTERNAL_DATA_MISSING = "ExternalDataMissing"
SOURCE_UNSUPPORTED = "SourceUnsupported"
DOWNLOAD_FAILED = "DownloadFailed"

RETRIABLE = frozenset({STORE_UNREACHABLE, STORE_TIMEOUT, STORE_ERROR, DOWNLOAD_INTERRUPTED, DOWNLOAD_FAILED})


def refuse(reason: str, message: str) -> ArtifactFault:
    """The fault for `reason`; whether a later try may succeed follows from the reason alone."""
    return ArtifactFault(reason, message, retriable=reason in RETRIABLE)
