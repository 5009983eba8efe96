"""The settings file: what it may say, and how it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from moorage_operator.api.records import CacheServer
from moorage_operator.settings import PATH_ENV, SettingsFault, load, parse

MINIMAL: dict[str, Any] = {"runtime": {"image": "runtime:1"}}
ROOT = Path(__file__).parents[3]


def test_the_minimal_file_has_defaults() -> None:
    settings = parse(MINIMAL)
    assert (settings.poll_interval, settings.resync_interval, settings.retire_after) == (10, 300, 30)
    assert (settings.workers, settings.watch_namespaces, settings.election.enabled) == (8, (), True)


def test_durations_and_quantities_are_read() -> None:
    settings = parse({"runtime": {"image": "r", "artifactLimit": "2Gi", "drain": "1m"}, "pollInterval": "500ms"})
    assert (settings.runtime.artifact_limit, settings.runtime.drain, settings.poll_interval) == (2 * 2**30, 60, 0.5)


def test_the_defaults_of_a_pod_come_from_the_settings() -> None:
    peers: list[Any] = [{"namespaceSelector": {}}]
    defaults = parse({**MINIMAL, "network": {"adminPeers": peers}}).defaults()
    assert (defaults.image, defaults.admin_peers) == ("runtime:1", tuple(peers))


def test_judges_are_named_in_the_settings_and_nobody_is_called_by_default() -> None:
    assert parse(MINIMAL).webhooks.allowed_hosts == ()
    given = parse(
        {
            **MINIMAL,
            "prometheus": {"default": {"url": "https://prometheus.monitoring.svc:9090", "timeout": "2s"}},
            "webhooks": {"allowedHosts": ["gate.ml.svc:8080", "*.example.com"]},
        }
    )
    assert (given.prometheus["default"].timeout, given.network.pod_access) == (2.0, "Direct")
    assert given.webhooks.allowed_hosts == ("gate.ml.svc:8080", "*.example.com")


@pytest.mark.parametrize("host", ["", "*", "http://x", "a/b", "*.", "a:b", "user@host", "*.*.com"])
def test_a_host_is_no_pattern_for_everything(host: str) -> None:
    with pytest.raises(SettingsFault, match=r"webhooks\.allowedHosts\.0"):
        parse({**MINIMAL, "webhooks": {"allowedHosts": [host]}})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "settings: runtime: Field required"),
        ({"runtime": {"image": ""}}, "settings: runtime.image: String should have at least 1 character"),
        ({**MINIMAL, "polInterval": "1s"}, "settings: polInterval: Extra inputs are not permitted"),
        ({**MINIMAL, "resyncInterval": "301s"}, "settings: resyncInterval: Input should be less than or equal to 300"),
        (
            {**MINIMAL, "pollInterval": "soon"},
            "settings: pollInterval: Value error, it: 'soon' is not a duration; write for example 500ms, 5s or 1m30s.",
        ),
        ({**MINIMAL, "pollInterval": "0s"}, "settings: pollInterval: Input should be greater than 0"),
        (
            {**MINIMAL, "registries": {"default": {"trackingUri": "ftp://x"}}},
            "settings: registries.default.trackingUri: String should match pattern '^https?://[^@/]+(/[^@]*)?$'",
        ),
        (None, "settings: the file: Input should be a valid dictionary or instance of Settings"),
    ],
)
def test_a_wrong_file_names_the_field(data: object, message: str) -> None:
    with pytest.raises(SettingsFault) as fault:
        parse(data)
    assert fault.value.message == message


@pytest.mark.parametrize(
    "url", ["redis://redis", "redis://redis.caches.svc:6379/0", "rediss://10.0.0.7:65535", "redis://[fd00::1]:6379/15"]
)
def test_caches_are_given_to_the_pods_by_name(url: str) -> None:
    caches = {"shared": {"url": url, "caConfigMap": "redis-ca"}}
    assert parse({**MINIMAL, "caches": caches}).defaults().caches == {"shared": CacheServer(url, "redis-ca")}


@pytest.mark.parametrize(
    "url",
    [
        "http://redis",
        "redis://user:password@redis",
        "redis://",
        "redis://redis/x",
        "redis://redis:65536",
        "redis://redis:6379?db=1",
        "unix:///s",
    ],
)
def test_what_is_no_plain_address_of_redis_is_refused(url: str) -> None:
    with pytest.raises(SettingsFault, match=r"settings: caches\.shared\.url: ") as fault:
        parse({**MINIMAL, "caches": {"shared": {"url": url}}})
    assert "password" not in fault.value.message


@pytest.mark.parametrize("uri", ["http://user:pass@mlflow", "https://token@mlflow/x"])
def test_credentials_in_a_uri_are_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(SettingsFault) as fault:
        parse({**MINIMAL, "registries": {"default": {"trackingUri": uri}}})
    assert uri.partition("//")[2].partition("@")[0] not in fault.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=f"{tmp_path}/none.yaml: No such file or directory"):
        load(tmp_path / "none.yaml")


def test_what_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("{")
    with pytest.raises(SettingsFault, match="is not YAML"):
        load(tmp_path / "s.yaml")


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(MINIMAL))
    monkeypatch.setenv(PATH_ENV, str(tmp_path / "s.yaml"))
    assert load().runtime.image == "runtime:1"


@pytest.mark.parametrize("path", ["manifests/base/settings.yaml", "manifests/local/settings.yaml"])
def test_the_shipped_settings_are_valid(path: str) -> None:
    assert "default" in load(ROOT / path).registries
