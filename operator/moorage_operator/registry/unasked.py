"""What needs no question to a registry: URIs that name the artifact itself, and names that the settings lack."""

from __future__ import annotations

from collections.abc import Collection

from moorage_operator.api.conditions import Reason
from moorage_operator.api.records import Resolved
from moorage_operator.api.storage_uri import S3, Claim
from moorage_operator.errors import RegistryFault


def as_it_stands(wanted: S3 | Claim, storage_uri: str, registry: str) -> Resolved:
    """The version is the last part of the path, else the bucket or the claim."""
    path = wanted.prefix if isinstance(wanted, S3) else wanted.path
    place = wanted.bucket if isinstance(wanted, S3) else wanted.claim
    scheme = "s3" if isinstance(wanted, S3) else "pvc"
    uri = f"{scheme}://{place}" + (f"/{path}" if path else "")
    return Resolved(storage_uri, path.rpartition("/")[2] or place, uri, registry)


def unknown(what: str, name: str, known: Collection[str]) -> RegistryFault:
    """The fault of a name that the settings lack. `what`: registry or store."""
    there = ", ".join(sorted(known)) or "none"
    return RegistryFault(
        Reason.REGISTRY_UNKNOWN,
        f"spec.model.registry: the operator's settings name no {what} {name!r} (there: {there}). "
        f"Correct the field, or add the {what} to the settings.",
    )
