"""Where one container reads and writes: fixed in a pod, moved by the environment on a laptop or in a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from moorage_runtime import config


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The paths and ports of one container."""

    model_dir: Path
    routes_file: Path
    credentials_dir: Path
    termination_file: Path
    host: str
    http_port: int
    admin_port: int
    grpc_port: int = config.GRPC_PORT
    api_keys_dir: Path = Path(config.API_KEYS_DIR)


def from_environment(env: Mapping[str, str]) -> Places:
    """The contract's places, each replaced by its `MOORAGE_*` variable when that is set."""
    return Places(
        model_dir=Path(env.get("MOORAGE_MODEL_DIR", config.MODEL_DIR)),
        routes_file=Path(env.get("MOORAGE_ROUTES_DIR", config.ROUTES_DIR)) / config.ROUTES_KEY,
        credentials_dir=Path(env.get("MOORAGE_CREDENTIALS_DIR", config.CREDENTIALS_DIR)),
        termination_file=Path(env.get("MOORAGE_TERMINATION_PATH", config.TERMINATION_PATH)),
        host=env.get("MOORAGE_HOST", "0.0.0.0"),  # noqa: S104 - a pod answers on its pod address
        http_port=int(env.get("MOORAGE_HTTP_PORT", config.HTTP_PORT)),
        admin_port=int(env.get("MOORAGE_ADMIN_PORT", config.ADMIN_PORT)),
        grpc_port=int(env.get("MOORAGE_GRPC_PORT", config.GRPC_PORT)),
        api_keys_dir=Path(env.get("MOORAGE_API_KEYS_DIR", config.API_KEYS_DIR)),
    )
