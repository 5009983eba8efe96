"""The two containers of a pod: one that downloads, one that serves; both of the same image."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults
from moorage_operator.desired.resources import resources
from moorage_operator.desired.runtime_config import pre_stop_seconds
from moorage_operator.names import DOWNLOAD_CONTAINER, SERVE_CONTAINER
from moorage_runtime.config import ADMIN_PORT, CONFIG_ENV, GRPC_PORT, HTTP_PORT, TERMINATION_PATH

STARTUP_SECONDS = 600

Container = dict[str, Any]

SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def download(owner: ModelDeployment, config: str, defaults: Defaults, mounts: list[dict[str, Any]]) -> Container:
    """The init container: fetches and verifies the artifact, and reports in its termination message."""
    environment = [{"name": CONFIG_ENV, "value": config}]
    return _container(DOWNLOAD_CONTAINER, "download", owner, defaults, environment, mounts)


def serve(owner: ModelDeployment, config: str, defaults: Defaults, mounts: list[dict[str, Any]]) -> Container:
    """The serving container: three ports, three probes, and a pause before SIGTERM."""
    users = [{"name": each.name, "value": each.value} for each in owner.spec.env]
    environment = [{"name": CONFIG_ENV, "value": config}, *users]
    pause = {"preStop": {"sleep": {"seconds": pre_stop_seconds(owner.spec, defaults)}}}
    return {
        **_container(SERVE_CONTAINER, "serve", owner, defaults, environment, mounts),
        "ports": [_port("http", HTTP_PORT), _port("grpc", GRPC_PORT), _port("admin", ADMIN_PORT)],
        "lifecycle": pause,
        "startupProbe": _probe("/startupz", period=1, timeout=2, failures=STARTUP_SECONDS),
        "readinessProbe": _probe("/readyz", period=1, timeout=2, failures=3),
        "livenessProbe": _probe("/livez", period=10, timeout=5, failures=6),
    }


def _container(
    name: str,
    argument: str,
    owner: ModelDeployment,
    defaults: Defaults,
    environment: list[dict[str, str]],
    mounts: list[dict[str, Any]],
) -> Container:
    return {
        "name": name,
        "image": defaults.image,
        "imagePullPolicy": defaults.image_pull_policy,
        "args": [argument],
        "env": environment,
        "resources": resources(owner.spec.resources, defaults),
        "securityContext": SECURITY,
        "terminationMessagePath": TERMINATION_PATH,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": ADMIN_PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
