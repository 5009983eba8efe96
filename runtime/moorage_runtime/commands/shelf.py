"""The credentials and folders of a laptop, in the shape that the download knows from a pod."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from moorage_runtime import artifact
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.errors import ArtifactFault, RuntimeFault
from moorage_runtime.places import Places
from moorage_runtime.storage import credentials, reasons
from moorage_runtime.storage.download import download


def places(folder: Path, host: str, ports: tuple[int, int, int]) -> Places:
    """The places below one folder; `ports`: HTTP, admin, gRPC."""
    environment = {
        "MOORAGE_MODEL_DIR": str(folder / "models"),
        "MOORAGE_ROUTES_DIR": str(folder / "routes"),
        "MOORAGE_CREDENTIALS_DIR": str(folder / "credentials"),
        "MOORAGE_TERMINATION_PATH": str(folder / "termination"),
        "MOORAGE_HOST": host,
        **dict(zip(("MOORAGE_HTTP_PORT", "MOORAGE_ADMIN_PORT", "MOORAGE_GRPC_PORT"), map(str, ports), strict=True)),
    }
    from moorage_runtime import places as known

    return known.from_environment(environment)


def fetch(config: RuntimeConfig, here: Places, env: Mapping[str, str] = os.environ) -> artifact.Manifest:
    """Bring the artifact to `here.model_dir`. Raises `ArtifactFault`."""
    here.credentials_dir.mkdir(parents=True, exist_ok=True)
    for key in (*credentials.S3_KEYS, *credentials.MLFLOW_KEYS):
        if key in env:
            place = here.credentials_dir / key
            place.touch(mode=0o600)
            place.write_text(env[key])
    try:
        return download(config, here)
    except ArtifactFault as fault:
        if fault.reason != reasons.CREDENTIALS_MISSING:
            raise
        raise ArtifactFault(
            fault.reason, "no credentials for the S3 store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from fault


def below(here: Places, name: str, version: str) -> Places:
    """The same places with a model folder of its own for one version of one of many models."""
    if "/" in name or "/" in version or name in (".", "..") or version in (".", ".."):
        raise RuntimeFault("NameInvalid", f"{name!r} version {version!r}: a name is one path segment")
    return msgspec.structs.replace(here, model_dir=here.model_dir / name / version)
