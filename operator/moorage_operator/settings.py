"""The operator's settings: one YAML file that the install mounts, and the few things that only its pod knows."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.quantity import parse_quantity
from moorage_operator.api.records import CacheServer, Defaults
from moorage_operator.errors import Fault, SpecFault

PATH_ENV = "MOORAGE_SETTINGS"
NAMESPACE_ENV = "MOORAGE_NAMESPACE"
DEFAULT_PATH = "/etc/moorage/settings.yaml"
REGISTRY_CREDENTIALS = Path("/etc/moorage/registries")
PROMETHEUS_CREDENTIALS = Path("/etc/moorage/prometheus")
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def _duration(value: object) -> object:
    try:
        return duration_seconds(value, "it") if isinstance(value, str) else value
    except SpecFault as fault:
        raise ValueError(fault.message) from fault


def _bytes(value: object) -> object:
    try:
        return int(parse_quantity(value)) if isinstance(value, str) else value
    except SpecFault as fault:
        raise ValueError(fault.message) from fault


HTTP_URL = "^https?://[^@/]+(/[^@]*)?$"
"""No user and no password: credentials are files."""
_TCP_PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
REDIS_URL = rf"^rediss?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:{_TCP_PORT})?(/[0-9]{{1,3}})?$"
"""As above. `rediss`: over TLS; the path is the number of the database."""
HOST = r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"
"""A host, or all below a domain, and a port where it is not the usual one."""
Seconds = Annotated[float, BeforeValidator(_duration), Field(gt=0)]
Bytes = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]


class Settled(BaseModel):
    """Immutable, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class RegistrySettings(Settled):
    """One MLflow server, by a name that CRs use.

    `pod_tracking_uri`: how serving pods reach it, where that differs. `ca_config_map`: a ConfigMap of the CR's
    namespace whose `ca.crt` the download trusts.
    """

    tracking_uri: str = Field(pattern=HTTP_URL)
    pod_tracking_uri: str | None = Field(default=None, pattern=HTTP_URL)
    timeout: Seconds = 5.0
    ca_file: Path | None = None
    ca_config_map: str | None = None


class StoreSettings(Settled):
    """One S3 store, by a name that CRs use, as serving pods reach it; no endpoint: the cloud's own."""

    endpoint: str | None = Field(default=None, pattern=HTTP_URL)
    region: str | None = None
    ca_config_map: str | None = None


class CacheSettings(Settled):
    """One Redis server for answers, by a name that CRs use, as serving pods reach it."""

    url: str = Field(pattern=REDIS_URL)
    ca_config_map: str | None = None


class PrometheusSettings(Settled):
    """One Prometheus server, by a name that the metrics of a rollout use."""

    url: str = Field(pattern=HTTP_URL)
    timeout: Annotated[Seconds, Field(le=30)] = 5.0
    ca_file: Path | None = None


class WebhookSettings(Settled):
    """`allowed_hosts`: what the webhooks of rollouts may call: example.com, *.example.com, each with :port if it is
    not the usual one. None by default: whoever may write a resource makes the operator call.
    """

    allowed_hosts: tuple[Annotated[str, Field(pattern=HOST)], ...] = ()


class RuntimeSettings(Settled):
    """What serving pods get where a CR says nothing."""

    image: str = Field(min_length=1)
    image_pull_policy: str = Field(default="IfNotPresent", pattern="^(Always|IfNotPresent|Never)$")
    resources: Mapping[str, Any] = Field(default_factory=dict)
    artifact_limit: Bytes = 10 * 2**30
    drain: Seconds = 45.0
    pre_stop: Seconds = 5.0


class NetworkSettings(Settled):
    """`egress`: NetworkPolicy egress rules towards the artifact stores. `admin_peers`: who may reach the admin port.
    `pod_access`: how the operator reaches it: Direct, or by the proxy of the API server, for one outside of the pods'
    network.
    """

    egress: tuple[Mapping[str, Any], ...] = ()
    admin_peers: tuple[Mapping[str, Any], ...] = ()
    pod_access: Literal["Direct", "ApiServer"] = "Direct"


class ElectionSettings(Settled):
    """The Lease in the operator's namespace; `enabled: false` only for a single operator."""

    enabled: bool = True
    lease: str = "moorage-operator"


class Settings(Settled):
    """Everything that the person who installs the operator may choose."""

    runtime: RuntimeSettings
    registries: Mapping[str, RegistrySettings] = Field(default_factory=dict)
    stores: Mapping[str, StoreSettings] = Field(default_factory=dict)
    caches: Mapping[str, CacheSettings] = Field(default_factory=dict)
    prometheus: Mapping[str, PrometheusSettings] = Field(default_factory=dict)
    webhooks: WebhookSettings = WebhookSettings()
    network: NetworkSettings = NetworkSettings()
    election: ElectionSettings = ElectionSettings()
    watch_namespaces: tuple[str, ...] = ()
    poll_interval: Seconds = 10.0
    resync_interval: Annotated[Seconds, Field(le=300)] = 300.0
    retire_after: Seconds = 30.0
    call_timeout: Annotated[Seconds, Field(le=15)] = 12.0
    workers: int = Field(default=8, ge=1, le=64)
    port: int = Field(default=8080, ge=0, le=65535)
    registry_credentials: Path = REGISTRY_CREDENTIALS
    prometheus_credentials: Path = PROMETHEUS_CREDENTIALS

    def defaults(self) -> Defaults:
        """What they add to a pod."""
        runtime = self.runtime
        return Defaults(
            image=runtime.image,
            image_pull_policy=runtime.image_pull_policy,
            resources=runtime.resources,
            artifact_limit_bytes=runtime.artifact_limit,
            drain_seconds=int(runtime.drain),
            pre_stop_seconds=int(runtime.pre_stop),
            egress=self.network.egress,
            admin_peers=self.network.admin_peers,
            caches={name: CacheServer(each.url, each.ca_config_map) for name, each in self.caches.items()},
        )


class SettingsFault(Fault):
    """The settings cannot be used; the message names the file and the field."""


def load(path: Path | None = None) -> Settings:
    """Read the file (by default the one that $MOORAGE_SETTINGS names). Raises SettingsFault."""
    path = path or Path(os.environ.get(PATH_ENV, DEFAULT_PATH))
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsFault("SettingsMissing", f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingsFault("SettingsUnreadable", f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return parse(data, str(path))


def parse(data: object, where: str = "settings") -> Settings:
    """Check the file's content. Raises SettingsFault, naming the first wrong field."""
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsFault("SettingsInvalid", f"{where}: {field}: {first['msg']}") from error


def own_namespace() -> str:
    """Where the operator itself lives: $MOORAGE_NAMESPACE, else its pod's namespace, else moorage-system."""
    if given := os.environ.get(NAMESPACE_ENV):
        return given
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "moorage-system"


def own_identity(salt: str) -> str:
    """A name for this process in the Lease: its host and `salt`, so that a restarted pod is another holder."""
    return f"{socket.gethostname()}_{salt}"
