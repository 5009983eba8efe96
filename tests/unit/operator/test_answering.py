"""How requests are answered: from the spec's words to what a pod is told and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.rollout.small_cluster import START, Fate, SmallCluster, custom_resource

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.onnx import SESSION_KEYS
from moorage_operator.api.problem import Problem
from moorage_operator.api.records import CacheServer, Defaults, Endpoint, Resolved
from moorage_operator.desired.blueprint import blueprint
from moorage_operator.desired.revision import revision_hash
from moorage_operator.desired.runtime_config import runtime_config
from moorage_operator.errors import SpecFault
from moorage_operator.judge.keyless import DOUBT_SECONDS, Keyless, keyless
from moorage_operator.observed.pod import Pod
from moorage_runtime.config import Batcher, Cache, Limits, Onnx, RuntimeConfig
from moorage_runtime.engines.onnx.options import SESSION_KEYS as RUNTIME_KEYS

RESOLVED = Resolved("models:/fraud/3", "3", "mlflow-artifacts:/1/3")
CACHES = {"eu": CacheServer("redis://redis.eu.svc:6379/0"), "us": CacheServer("rediss://redis.us.svc", "redis-ca")}
DEFAULTS = Defaults(image="i", caches=CACHES)


def parsed(model: dict[str, Any] | None = None, **spec: Any) -> ModelDeployment:
    body = custom_resource(uri="models:/fraud/3", **spec)
    body["spec"]["model"].update(model or {})
    return ModelDeployment.model_validate(body)


def told(model: dict[str, Any] | None = None, **spec: Any) -> RuntimeConfig:
    return runtime_config(parsed(model, **spec), RESOLVED, "abc", DEFAULTS, Endpoint())


def test_a_silent_spec_means_the_runtimes_own_values() -> None:
    config = told()
    assert (config.onnx, config.batcher, config.cache) == (Onnx(), Batcher(), None)
    assert config.limits == Limits(artifact_bytes=DEFAULTS.artifact_limit_bytes)
    assert (config.api_keys, config.access_log_percent) == (False, 0)


def test_what_the_reference_calls_default_is_what_the_runtime_does() -> None:
    assert (Limits().queue, Limits().concurrency, Limits().body_bytes) == (1024, None, 64 * 2**20)
    assert told(cache={}).cache == Cache() == Cache(max_entries=10_000, ttl_seconds=60, max_bytes=64 * 2**20)
    assert told(batcher={}).batcher == Batcher() == Batcher(max_batch_size=64, max_latency_seconds=0)
    assert Onnx() == Onnx(inter_op_num_threads=1, graph_optimization_level="all", execution_mode="sequential")


def test_every_option_of_onnx_runtime_arrives() -> None:
    options = {
        "intraOpNumThreads": 3,
        "interOpNumThreads": 2,
        "graphOptimizationLevel": "basic",
        "executionMode": "parallel",
        "executionProviders": ["CUDAExecutionProvider"],
        "enableCpuMemArena": False,
        "enableMemPattern": False,
        "enableTreeKernel": False,
        "sessionConfig": {"session.disable_prepacking": "1"},
    }
    assert told({"onnx": options}).onnx == Onnx(
        intra_op_num_threads=3,
        inter_op_num_threads=2,
        graph_optimization_level="basic",
        execution_mode="parallel",
        execution_providers=("CUDAExecutionProvider",),
        enable_cpu_mem_arena=False,
        enable_mem_pattern=False,
        enable_tree_kernel=False,
        session_config={"session.disable_prepacking": "1"},
    )
    assert set(options) == {field.alias for field in type(parsed().spec.model.onnx).model_fields.values()}


def test_the_schema_takes_the_very_keys_that_the_runtime_takes() -> None:
    assert set(SESSION_KEYS) == RUNTIME_KEYS


def test_amounts_are_seconds_and_bytes() -> None:
    config = told(
        batcher={"maxBatchSize": 8, "maxLatency": "1.5ms"},
        cache={"maxEntries": 7, "ttl": "1h30m", "maxBytes": "1.5Mi", "backend": "eu"},
        containerConcurrency=9,
        maxQueueLength=0,
        maxRequestBytes="2Mi",
        accessLog={"percent": 0.25},
    )
    assert config.batcher == Batcher(max_batch_size=8, max_latency_seconds=0.0015)
    assert config.cache == Cache(
        max_entries=7, ttl_seconds=5400, max_bytes=1_572_864, redis="redis://redis.eu.svc:6379/0"
    )
    assert (config.limits.concurrency, config.limits.queue, config.limits.body_bytes) == (9, 0, 2 * 2**20)
    assert config.access_log_percent == 0.25


NAMES: dict[str, dict[str, Any]] = {
    "onnx": {"model": {"onnx": {"intraOpNumThreads": 1}}},
    "batcher": {"batcher": {"maxBatchSize": 1}},
    "cache": {"cache": {}},
    "containerConcurrency": {"containerConcurrency": 1},
    "maxQueueLength": {"maxQueueLength": 0},
    "maxRequestBytes": {"maxRequestBytes": "1Mi"},
    "auth": {"auth": {"secretName": "keys"}},
    "accessLog": {"accessLog": {"percent": 1}},
}
SAME: dict[str, dict[str, Any]] = {
    "onnx": {"model": {"onnx": {}}},
    "batcher": {"batcher": {"maxBatchSize": 64, "maxLatency": "0s"}},
    "accessLog": {"accessLog": {"percent": 0}},
}


@pytest.mark.parametrize("field", NAMES)
def test_each_makes_a_revision(field: str) -> None:
    assert revision_hash(parsed(**NAMES[field]).spec, RESOLVED) != revision_hash(parsed().spec, RESOLVED)


@pytest.mark.parametrize("field", SAME)
def test_a_default_spelled_out_makes_none(field: str) -> None:
    assert revision_hash(parsed(**SAME[field]).spec, RESOLVED) == revision_hash(parsed().spec, RESOLVED)


def pod(**spec: Any) -> dict[str, Any]:
    made: dict[str, Any] = blueprint(parsed(**spec), RESOLVED, DEFAULTS, Endpoint()).template["spec"]
    return made


def test_the_keys_of_clients_reach_the_server_alone() -> None:
    made = pod(auth={"secretName": "keys"})
    assert {"name": "api-keys", "secret": {"secretName": "keys", "optional": True}} in made["volumes"]
    mount = {"name": "api-keys", "mountPath": "/var/run/moorage/api-keys", "readOnly": True}
    assert mount in made["containers"][0]["volumeMounts"]
    assert mount not in made["initContainers"][0]["volumeMounts"]


def test_a_shared_cache_brings_its_credentials_and_its_authority() -> None:
    made = pod(cache={"backend": "us", "secretName": "redis"})
    assert {"name": "cache-credentials", "secret": {"secretName": "redis", "optional": True}} in made["volumes"]
    assert {"name": "cache-ca", "configMap": {"name": "redis-ca", "optional": True}} in made["volumes"]
    mounts = {mount["name"]: mount["mountPath"] for mount in made["containers"][0]["volumeMounts"]}
    assert mounts["cache-credentials"] == "/var/run/moorage/cache-credentials"
    assert mounts["cache-ca"] == "/etc/moorage/cache-ca"


def test_a_backend_that_the_settings_do_not_know_is_refused_by_name() -> None:
    with pytest.raises(SpecFault) as refused:
        told(cache={"backend": "asia"})
    assert refused.value.reason == "CacheUnknown"
    assert refused.value.message == (
        "spec.cache.backend: the operator's settings name no cache 'asia' (there: eu, us). Correct the field, remove "
        "it to keep answers in each pod's own memory, or add the cache to the settings."
    )


def test_and_the_status_says_so_while_what_served_serves_on() -> None:
    cluster = SmallCluster()
    cluster.run(60)
    cluster.edit(cache={"backend": "asia"})
    cluster.run(10)
    told = {each["type"]: each for each in cluster.status["conditions"]}
    assert (told["Ready"]["status"], told["Stalled"]["status"]) == ("True", "True")
    assert told["Stalled"]["reason"] == "CacheUnknown"
    assert "(there: none)" in told["Stalled"]["message"]


def test_both_services_offer_grpc_by_number() -> None:
    cluster = SmallCluster()
    cluster.run(60)
    services = [body for ref, body in cluster.objects.items() if ref.kind == "Service"]
    assert len(services) == 2
    for service in services:
        assert [(port["name"], port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
            ("http", 80, "http"),
            ("grpc", 9000, 9000),
        ]
        assert service["spec"]["ports"][1]["appProtocol"] == "kubernetes.io/h2c"


def test_a_revision_born_without_the_grpc_port_is_not_restarted() -> None:
    cluster = SmallCluster()
    cluster.run(60)
    [record] = [body for ref, body in cluster.objects.items() if ref.kind == "ControllerRevision"]
    [deployment] = [body for ref, body in cluster.objects.items() if ref.kind == "Deployment"]
    for template in (record["data"]["template"], deployment["spec"]["template"]):
        ports = template["spec"]["containers"][0]["ports"]
        ports[:] = [port for port in ports if port["name"] != "grpc"]
    deployment["metadata"]["annotations"].pop("moorage.dev/content-hash")
    cluster.run(10)
    assert "grpc" not in {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
    told = {each["type"]: each for each in cluster.status["conditions"]}
    assert (told["Ready"]["status"], told["UpdateAvailable"]["status"]) == ("True", "True")


BORN = datetime(2026, 1, 1, tzinfo=UTC)


def up(*, ready: bool = False, started: bool = True, running: bool = True) -> Pod:
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}} if running else {"waiting": {"reason": "x"}}
    conditions = [{"type": "Ready", "status": str(ready)}]
    server = {"name": "server", "started": started, "state": state}
    return Pod({"metadata": {"name": "p"}, "status": {"conditions": conditions, "containerStatuses": [server]}})


def after(seconds: float) -> datetime:
    return BORN + timedelta(seconds=seconds)


def test_a_server_that_lets_nobody_in_is_doubted_before_it_is_blamed() -> None:
    young = keyless([up()], "keys", after(5))
    assert (young.problem, young.left) == (None, DOUBT_SECONDS - 5)
    old = keyless([up(), up()], "keys", after(21))
    assert old.left is None
    assert old.problem == Problem(
        "ApiKeysMissing",
        "The model is loaded and the pods let nobody in, as they do without an API key. spec.auth.secretName names "
        "Secret keys: create it in this namespace with at least one entry; it is noticed without a restart.",
    )


@pytest.mark.parametrize(
    "pods",
    [
        [],
        [up(ready=True)],
        [up(), up(ready=True)],
        [up(started=False)],
        [up(running=False)],
        [Pod({"metadata": {"name": "p"}, "status": {}})],
    ],
    ids=["no pod", "ready", "one of two is ready", "still loading", "crashed", "not scheduled"],
)
def test_nobody_is_blamed_without_cause(pods: list[Pod]) -> None:
    assert keyless(pods, "keys", after(1000)) == Keyless()
    assert keyless([up()], None, after(1000)) == Keyless()


def test_the_status_tells_of_missing_keys_and_looks_again_by_itself() -> None:
    status = {"phase": "Running", "containerStatuses": [up().body["status"]["containerStatuses"][0]]}
    started = (START + timedelta(seconds=2)).isoformat()
    status["containerStatuses"][0]["state"] = {"running": {"startedAt": started}}
    cluster = SmallCluster(owner=custom_resource(auth={"secretName": "keys"}), fates={"1": Fate(None, status=status)})
    cluster.run(5)
    assert cluster.says("RolloutHealthy")[0] == "True"
    assert cluster.decide().look_again == pytest.approx(17, abs=1)
    cluster.run(20)
    told = {each["type"]: each for each in cluster.status["conditions"]}
    assert (told["RolloutHealthy"]["status"], told["RolloutHealthy"]["reason"]) == ("False", "ApiKeysMissing")
    assert told["Stalled"]["status"] == "False", "the Secret may come any time, and is then noticed"
