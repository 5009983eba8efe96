"""The settings of operators that run on this machine: the local parts, no election, a short memory for old versions."""

from __future__ import annotations

from typing import Any

RUNTIME_IMAGE = "localhost/moorage-runtime:dev"
LOCAL_SETTINGS: dict[str, Any] = {
    "runtime": {"image": RUNTIME_IMAGE},
    "stores": {"default": {"endpoint": "http://s3.moorage-parts.svc", "region": "us-east-1"}},
    # This machine is no part of the pods' network.
    "network": {"podAccess": "ApiServer"},
    "election": {"enabled": False},
    "retireAfter": "1s",
    "port": 0,
}
