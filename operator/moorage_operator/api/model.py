"""Which model is meant, and how its artifact may be read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import Frozen, ObjectName, cel, checked
from moorage_operator.api.onnx import Onnx
from moorage_operator.api.storage_uri import MAX_LENGTH as STORAGE_URI_LENGTH
from moorage_operator.api.storage_uri import RULES as STORAGE_URI_RULES

_DIGEST = "^sha256:[0-9a-f]{64}$"


class ModelFormat(Frozen):
    """The format of the artifact."""

    name: Literal["onnx"]
    """Name of the format: onnx."""


class Model(Frozen):
    """Which model, and how its artifact may be read."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "!self.storageUri.startsWith('pvc://') || !has(self.secretName)",
                "secretName has no use with pvc://, which needs no credentials; remove it",
                path=".secretName",
            )
        )
    )

    storage_uri: Annotated[str, Field(min_length=1, max_length=STORAGE_URI_LENGTH)] = Field(
        json_schema_extra=checked(*(cel(rule.cel, f"storageUri {rule.message}") for rule in STORAGE_URI_RULES))
    )
    """Where the model is. models:/NAME/VERSION: a version of the registry; models:/NAME@ALIAS: whatever version the
    alias points to, followed when it moves; models:/NAME/STAGE: the newest version of a stage (Staging, Production,
    Archived, None); s3://BUCKET/PREFIX: a folder of the S3 store; pvc://CLAIM/PATH: a folder of a
    PersistentVolumeClaim of this namespace. Example: models:/fraud@champion."""
    model_format: ModelFormat | None = None
    """Format of the artifact. Default: read from its MLmodel file."""
    digest: Annotated[str, Field(max_length=71)] | None = Field(
        default=None,
        json_schema_extra=checked(
            cel(
                f"self.matches('{_DIGEST}')",
                "digest must be sha256: and 64 lower-case hexadecimal digits, as status.stable.digest shows it",
            )
        ),
    )
    """sha256 over the artifact's files, as status.stable.digest shows it. An artifact with another digest is refused.
    Default: the digest of the first load is pinned in the status."""
    registry: Annotated[str, Field(min_length=1, max_length=63)] = Field(
        default="default",
        json_schema_extra=checked(
            cel(
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "registry must be the name of a registry or store in the operator's settings (lower-case letters, "
                "digits and -), never a URL",
            )
        ),
    )
    """Name, in the operator's settings, of the registry that resolves models:/ URIs or of the S3 store behind s3://
    URIs. Default: default."""
    secret_name: ObjectName | None = None
    """Name of a Secret of this namespace with the credentials of the download. Only the download container sees it."""
    service_account_name: ObjectName | None = None
    """Name of a ServiceAccount of this namespace that the pods run as, for cloud identities. Default: default."""
    onnx: Onnx = Onnx()
    """How ONNX Runtime runs the model. Only with runtime: onnx. Example: {intraOpNumThreads: 2}."""
