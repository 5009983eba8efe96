"""Specs and names that the API server must take or refuse: what is merged into `GOOD`, and words of the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

GOOD: Mapping[str, Any] = {
    "apiVersion": "moorage.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "fraud"},
    "spec": {"model": {"storageUri": "models:/fraud@champion"}},
}

SHA = "sha256:" + "ab" * 32
TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.5]}


@dataclass(frozen=True, slots=True)
class Case:
    """`spec` and `metadata` are merged into the good object; `refusal` are words that the answer must hold."""

    name: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refusal: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        return merged(GOOD, {"spec": self.spec, "metadata": self.metadata})


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386: null removes, maps merge, everything else replaces."""
    out = dict(deepcopy(base))
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, Mapping):
            old = out.get(key)
            out[key] = merged(old if isinstance(old, Mapping) else {}, value)
        else:
            out[key] = value
    return out


def uri(text: str, *refusal: str) -> Case:
    return Case(f"uri {text[:60]!r}", {"model": {"storageUri": text}}, refusal=("spec.model.storageUri", *refusal))


def env(name: str, *refusal: str) -> Case:
    return Case(f"env {name!r}", {"env": [{"name": name, "value": "1"}]}, refusal=("spec.env[0].name", *refusal))


def named(name: str) -> Case:
    return Case(f"name {name[:20]!r}", metadata={"name": name}, refusal=("metadata.name",))


def tensor(refusal: str, **changes: Any) -> Case:
    """`refusal`: the field of the tensor to blame, empty for none."""
    body = {key: value for key, value in {**TENSOR, **changes}.items() if value is not None}
    where = f"spec.testRequest.inputs[0].{refusal}" if refusal else ""
    return Case(f"tensor {list(changes)} {refusal}", {"testRequest": {"inputs": [body]}}, refusal=(where,))


def metric(resource: str, target: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


CPU_70 = metric("cpu", {"type": "Utilization", "averageUtilization": 70})


def scaled(refusal: str, scaling: Mapping[str, Any], most: int | None = 4) -> Case:
    return Case(f"scaling {refusal}", {"maxReplicas": most, "autoScaling": scaling}, refusal=(refusal,))


def onnx(refusal: str, *words: str, **options: Any) -> Case:
    """`refusal`: the option to blame, empty for none."""
    where = f"spec.model.onnx.{refusal}" if refusal else ""
    return Case(f"onnx {options} {refusal}", {"model": {"onnx": options}}, refusal=(where, *words))


def cache(refusal: str, *words: str, **options: Any) -> Case:
    return Case(f"cache {options} {refusal}", {"cache": options}, refusal=(f"spec.cache{refusal}", *words))


def batcher(refusal: str, *words: str, **options: Any) -> Case:
    return Case(f"batcher {options}", {"batcher": options}, refusal=(f"spec.batcher.{refusal}", *words))


def spec(refusal: str, *words: str, **fields: Any) -> Case:
    return Case(f"spec {fields} {refusal}"[:80], fields, refusal=(f"spec.{refusal}", *words))


ARM = {"name": "b", "model": {"storageUri": "models:/fraud@b"}, "percent": 50}
ASKED = {"query": "sum(x)"}
STEPS = {"rollout": {"steps": [{"trafficPercent": 5}]}}

TAKEN = (
    Case("rollout of one step", {"rollout": {}}),
    Case(
        "rollout",
        {
            "rollout": {
                "steps": [
                    {"trafficPercent": 5, "hold": "2m"},
                    {"shadow": {"percent": 20}, "hold": "1m"},
                    {"pause": True},
                    {"trafficPercent": 5},
                    {"trafficPercent": 100},
                ],
                "stickiness": {"header": "x-user-id"},
                "shieldPatience": "500ms",
                "scaleDownDelay": "0s",
                "analysis": {
                    "maxErrorRate": "0.5%",
                    "onInconclusive": "abort",
                    "compare": {"topK": 3, "outputs": ["scores"]},
                    "metrics": [{"name": "chargebacks", "prometheus": {"query": "sum(x)"}, "max": 3}],
                    "webhooks": [{"name": "risk-team", "url": "https://risk.example/judge"}],
                },
            }
        },
    ),
    Case("shadow", {"shadow": {"model": {"storageUri": "models:/fraud@challenger"}, "percent": 20}}),
    Case("A/B test", {"abTest": {"header": "x-user-id", "salt": "exp-1", "arms": [ARM], "winner": "b"}}),
    Case("A/B test that ended, and steps", {"abTest": {"header": "h", "arms": [ARM], "winner": "stable"}, **STEPS}),
    Case("the smallest"),
    Case("longest name", metadata={"name": "a" + "-b" * 24 + "c"}),
    *(
        Case(f"uri {text}", {"model": {"storageUri": text}})
        for text in (
            "models:/fraud/3",
            "models:/Fraud model 2/17",
            "models:/fraud/Staging",
            "models:/fraud/None",
            "models:/betrug-ü@champion",
            "s3://models",
            "s3://models/",
            "s3://my.bucket-1/a/b c/@1:2/",
            "pvc://claim",
            "pvc://claim.of.ours/models/fraud",
            "s3://models/fraud..old/1",
        )
    ),
    Case("digest", {"model": {"digest": SHA}}),
    Case("registry and secret", {"model": {"registry": "eu-1", "secretName": "s"}}),
    Case("service account", {"model": {"serviceAccountName": "a.b"}}),
    Case("format", {"model": {"modelFormat": {"name": "onnx"}}}),
    Case("env", {"env": [{"name": "OMP_NUM_THREADS", "value": "2"}, {"name": "_empty"}, {"name": "APPPATH"}]}),
    Case("longest env value", {"env": [{"name": "A", "value": "x" * 4096}]}),
    Case("whole quantities", {"resources": {"requests": {"cpu": 1, "memory": "1e9"}, "limits": {"cpu": 2}}}),
    Case("equal quantities", {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1024Mi"}}}),
    Case("zero quantity", {"resources": {"requests": {"cpu": "0"}, "limits": {"nvidia.com/gpu": "1"}}}),
    Case("max equals min", {"minReplicas": 3, "maxReplicas": 3}),
    Case("max without autoScaling", {"minReplicas": 1, "maxReplicas": 1000}),
    scaled("", {}),
    scaled("", {"metrics": [CPU_70], "behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}),
    scaled(
        "",
        {"metrics": [metric("memory", {"type": "AverageValue", "averageValue": "1Gi"})]},
    ),
    *(Case(f"timeout {text}", {"timeout": text}) for text in ("1ms", "500ms", "5s", "1.5s", "1m30s", "60m", "1h")),
    onnx(""),
    onnx("", intraOpNumThreads=256, graphOptimizationLevel="layout", enableCpuMemArena=False, enableMemPattern=True),
    onnx("", enableTreeKernel=False),
    onnx("", interOpNumThreads=1),
    onnx("", interOpNumThreads=4, executionMode="parallel"),
    onnx("", executionProviders=["CUDAExecutionProvider", "CPUExecutionProvider"]),
    onnx("", sessionConfig={"session.intra_op.allow_spinning": "1", "session.set_denormal_as_zero": "1"}),
    onnx("", sessionConfig={"optimization.enable_gelu_approximation": "1"}),
    batcher(""),
    batcher("", maxBatchSize=1, maxLatency="0s"),
    batcher("", maxBatchSize=4096, maxLatency="1s"),
    batcher("", maxLatency="2.5ms"),
    cache(""),
    cache("", maxEntries=1, ttl="1s", maxBytes="1Ki"),
    cache("", maxEntries=1_000_000, ttl="168h", maxBytes="16Gi"),
    cache("", maxBytes=65536),
    cache("", backend="eu-1", secretName="redis"),
    cache("", backend="default"),
    spec("", containerConcurrency=1, maxQueueLength=0, maxRequestBytes="1Ki"),
    spec("", containerConcurrency=100_000, maxQueueLength=100_000, maxRequestBytes="1Gi"),
    spec("", maxRequestBytes=1024),
    spec("", auth={"secretName": "fraud.api-keys"}),
    spec("", accessLog={"percent": 0.1}),
    spec("", accessLog={"percent": 100}),
    spec("", accessLog={}),
    Case("shortest deadline", {"progressDeadlineSeconds": 10}),
    Case("longest deadline", {"progressDeadlineSeconds": 86400}),
    tensor(""),
    tensor("", data=[[1, 2.5]]),
    tensor("", datatype="BYTES", data=["a", "b"]),
    tensor("", datatype="BOOL", data=[True, False]),
    Case(
        "expected answer",
        {"testRequest": {"inputs": [TENSOR], "tolerance": 0, "expect": {"outputs": [{"name": "y", "data": [0]}]}}},
    ),
    Case(
        "placement",
        {
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [{"operator": "Exists"}, {"key": "gpu", "effect": "NoExecute", "tolerationSeconds": 3}],
            "podTemplate": {
                "metadata": {"labels": {"team": "risk"}, "annotations": {"restarted-at": "now"}},
                "spec": {
                    "affinity": {
                        "podAntiAffinity": {
                            "preferredDuringSchedulingIgnoredDuringExecution": [
                                {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}
                            ]
                        }
                    },
                    "topologySpreadConstraints": [
                        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
                    ],
                    "priorityClassName": "high",
                    "imagePullSecrets": [{"name": "pull"}],
                    "terminationGracePeriodSeconds": 120,
                },
            },
        },
    ),
)  # fmt: skip


def rollout(refusal: str, *words: str, **fields: Any) -> Case:
    return Case(f"rollout {fields}"[:80], {"rollout": fields}, refusal=(f"spec.rollout{refusal}", *words))


def experiment(refusal: str, *words: str, **fields: Any) -> Case:
    body = {"header": "h", "arms": [ARM], **fields}
    return Case(f"A/B test {fields}"[:80], {"abTest": body}, refusal=(f"spec.abTest{refusal}", *words))


REFUSED = (
    Case("unknown field", {"modle": {}}, refusal=('unknown field "spec.modle"',)),
    Case("unknown nested field", {"model": {"url": "x"}}, refusal=('unknown field "spec.model.url"',)),
    Case("no model", {"model": None}, refusal=("spec.model", "Required value")),
    Case("no storageUri", {"model": {"storageUri": None}}, refusal=("spec.model.storageUri", "Required value")),
    Case("number for text", {"timeout": 5}, refusal=("spec.timeout", "must be of type string")),
    Case("text for number", {"minReplicas": "2"}, refusal=("spec.minReplicas", "must be of type integer")),
    Case("YAML boolean for text", {"env": [{"name": "A", "value": True}]}, refusal=("spec.env[0].value", "string")),
    *(named(name) for name in ("1st", "-a", "a-", "a.b", "Fraud", "a" * 51, "a" * 63)),
    uri("file:///etc/passwd", "must start with models:/, s3:// or pvc://"),
    uri("gopher://host/1", "must start with"),
    uri("http://169.254.169.254/latest/meta-data", "must start with"),
    uri("https://models.example/fraud", "must start with"),
    uri("models://fraud/3", "must start with"),
    uri("MODELS:/fraud/3", "must start with"),
    uri("runs:/0a1b/model", "must start with"),
    uri("s3://user:password@models/fraud", "must not carry credentials", "spec.model.secretName"),
    uri("s3://[::ffff:a9fe:a9fe]/x", "must be s3://BUCKET"),
    uri("s3://169.254.169.254:80/x", "must be s3://BUCKET"),
    uri("s3://models/../other", "must not contain '.' or '..'"),
    uri("s3://../models", "must not contain '.' or '..'"),
    uri("pvc://claim/a/../../b", "must not contain '.' or '..'"),
    uri("models:/../3", "must not contain '.' or '..'"),
    uri("s3://models/a?versionId=1", "must not contain a query"),
    uri("s3://models/a#b", "must not contain a query"),
    uri("s3://models/a\nb", "control character"),
    uri("models:/fraud\x00/3", "control character"),
    uri("models:/fraud/3\n", "control character"),
    uri("s3://models\\a", "backslash"),
    uri("s3://models//a", "no empty segment"),
    uri("s3://Models/a", "must be s3://BUCKET"),
    uri("s3://ab", "must be s3://BUCKET"),
    uri("pvc://other-namespace:claim/a", "must be pvc://CLAIM"),
    uri("pvc://", "must be pvc://CLAIM"),
    uri("models:/fraud", "models:/NAME/VERSION"),
    uri("models:/fraud/latest", "models:/NAME/VERSION"),
    uri("models:/fraud/0", "models:/NAME/VERSION"),
    uri("models:/fraud/-1", "models:/NAME/VERSION"),
    uri("models:/fraud@", "models:/NAME/VERSION"),
    uri("models:/fraud@a/b", "models:/NAME/VERSION"),
    uri("models:/fr%2e%2e/3", "models:/NAME/VERSION"),
    uri("", "at least 1 chars"),
    uri("s3://models/" + "a" * 1024, "Too long"),
    Case("digest of another kind", {"model": {"digest": "md5:1"}}, refusal=("spec.model.digest", "must be sha256:")),
    Case("digest in capitals", {"model": {"digest": SHA.upper()}}, refusal=("spec.model.digest", "64 lower-case")),
    Case("registry by URL", {"model": {"registry": "http://mlflow"}}, refusal=("spec.model.registry", "never a URL")),
    Case("secret of another namespace", {"model": {"secretName": "other/secret"}}, refusal=("spec.model.secretName",)),
    Case(
        "secret with a claim",
        {"model": {"storageUri": "pvc://claim", "secretName": "s"}},
        refusal=("spec.model.secretName", "pvc://"),
    ),
    Case(
        "account of another namespace",
        {"model": {"serviceAccountName": "system:serviceaccount:kube-system:default"}},
        refusal=("spec.model.serviceAccountName",),
    ),
    Case("pickle", {"model": {"modelFormat": {"name": "sklearn"}}}, refusal=("spec.model.modelFormat.name", '"onnx"')),
    Case("runtime of tomorrow", {"runtime": "triton"}, refusal=("spec.runtime", "Unsupported value")),
    *(
        env(name, "could load foreign code")
        for name in (
            "LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "ORT_DISABLE_TELEMETRY", "MOORAGE_CONFIG", "AWS_ENDPOINT_URL",
            "MLFLOW_TRACKING_URI", "GLIBC_TUNABLES", "GCONV_PATH", "PATH", "HOME",
        )
    ),
    *(env(name, "letters, digits and _") for name in ("1A", "A-B", "A B", "A=B", "Ä")),
    Case("env twice", {"env": [{"name": "A"}, {"name": "A"}]}, refusal=("spec.env[1]", "Duplicate value")),
    Case("env from a Secret", {"env": [{"name": "A", "valueFrom": {}}]}, refusal=("spec.env[0].valueFrom",)),
    Case("env too long", {"env": [{"name": "A", "value": "x" * 300_000}]}, refusal=("spec.env[0].value", "Too long")),
    Case(
        "300 KB of numbers",
        {"testRequest": {"inputs": [{**TENSOR, "data": [0.123456] * 33_000}]}},
        refusal=("spec.testRequest.inputs[0].data", "Too many"),
    ),
    Case("negative quantity", {"resources": {"requests": {"cpu": "-1"}}}, refusal=("spec.resources.requests[cpu]",)),
    Case("negative whole quantity", {"resources": {"limits": {"cpu": -1}}}, refusal=("spec.resources.limits[cpu]",)),
    Case("no quantity", {"resources": {"limits": {"memory": "1GB"}}}, refusal=("resources.limits[memory]", "512Mi")),
    Case(
        "requests above limits",
        {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1.5Gi"}}},
        refusal=("spec.resources", "requests must not be greater than limits"),
    ),
    Case("max below min", {"minReplicas": 3, "maxReplicas": 2}, refusal=("spec.maxReplicas", "raise maxReplicas")),
    Case("no replicas", {"minReplicas": 0}, refusal=("spec.minReplicas", "greater than or equal to 1")),
    Case("negative replicas", {"minReplicas": -1}, refusal=("spec.minReplicas", "greater than or equal to 1")),
    Case("a million replicas", {"minReplicas": 1_000_000}, refusal=("spec.minReplicas", "less than or equal to 1000")),
    scaled("spec.autoScaling", {}, most=None),
    scaled("spec.autoScaling", {}, most=1),
    scaled("spec.autoScaling.metrics[0].type", {"metrics": [{**CPU_70, "type": "External"}]}),
    scaled(
        "spec.autoScaling.metrics[0].resource.target",
        {"metrics": [metric("cpu", {"type": "Utilization", "averageValue": 1})]},
    ),
    scaled(
        "spec.autoScaling.metrics[0].resource.name",
        {"metrics": [metric("nvidia.com/gpu", {"type": "Utilization", "averageUtilization": 70})]},
    ),
    scaled(
        "spec.autoScaling.behavior.scaleUp.policies[0].value",
        {"behavior": {"scaleUp": {"policies": [{"value": 0}]}}},
    ),
    *(
        Case(f"timeout {text!r}", {"timeout": text}, refusal=("spec.timeout", cure))
        for text, cure in (
            ("5", "500ms, 5s or 1m30s"), ("five seconds", "500ms, 5s or 1m30s"), ("-5s", "500ms, 5s or 1m30s"),
            ("0s", "at least 1ms"), ("0.9ms", "at least 1ms"), ("61m", "at most 1h"), ("9999999h", "at most 1h"),
        )
    ),
    onnx("intraOpNumThreads", "greater than or equal to 1", intraOpNumThreads=0),
    onnx("intraOpNumThreads", "less than or equal to 256", intraOpNumThreads=257),
    onnx("intraOpNumThreads", "of type integer", intraOpNumThreads="2"),
    onnx("interOpNumThreads", "greater than or equal to 1", interOpNumThreads=0),
    onnx("interOpNumThreads", "executionMode: parallel", interOpNumThreads=2),
    onnx("interOpNumThreads", "executionMode: parallel", interOpNumThreads=2, executionMode="sequential"),
    onnx("graphOptimizationLevel", "Unsupported value", graphOptimizationLevel="ORT_ENABLE_ALL"),
    onnx("executionMode", "Unsupported value", executionMode="ORT_PARALLEL"),
    onnx("executionProviders[0]", "should match", executionProviders=["cuda"]),
    onnx("executionProviders[0]", "should match", executionProviders=["/lib/evil.soExecutionProvider"]),
    onnx("executionProviders", "each provider once", executionProviders=["CPUExecutionProvider"] * 2),
    onnx("executionProviders", "at least 1 items", executionProviders=[]),
    onnx("executionProviders", "Too many", executionProviders=[f"A{i}ExecutionProvider" for i in range(9)]),
    onnx("enableCpuMemArena", "of type boolean", enableCpuMemArena="yes"),
    onnx("enableMemPattern", "of type boolean", enableMemPattern=1),
    onnx("enableTreeKernel", "of type boolean", enableTreeKernel="false"),
    *(
        onnx("sessionConfig", "only keys that tune", sessionConfig={key: "1"})
        for key in (
            "session.load_model_format", "session.save_model_format", "ep.context_enable", "ep.context_file_path",
            "session.node_partition_config_file", "session.use_ort_model_bytes_directly",
            "session.model_external_initializers_file_folder_path", "session.intra_op.allow_spinning ",
            "optimization.memory_optimizer_config", "Session.disable_prepacking", "",
        )
    ),
    onnx("sessionConfig.session.disable_prepacking", "of type string", sessionConfig={"session.disable_prepacking": 1}),
    onnx("customOpLibrary", "unknown field", customOpLibrary="x.so"),
    batcher("maxBatchSize", "greater than or equal to 1", maxBatchSize=0),
    batcher("maxBatchSize", "less than or equal to 4096", maxBatchSize=4097),
    batcher("maxLatency", "at most 1s", maxLatency="1001ms"),
    batcher("maxLatency", "must be a duration", maxLatency="2"),
    batcher("maxLatency", "must be a duration", maxLatency="-1ms"),
    batcher("maxLatency", "of type string", maxLatency=0),
    cache(".maxEntries", "greater than or equal to 1", maxEntries=0),
    cache(".maxEntries", "less than or equal to 1000000", maxEntries=1_000_001),
    cache(".ttl", "at least 1s", ttl="999ms"),
    cache(".ttl", "at most 168h", ttl="169h"),
    cache(".ttl", "must be a duration", ttl="7d"),
    cache(".maxBytes", "at least 1Ki", maxBytes=1023),
    cache(".maxBytes", "at most 16Gi", maxBytes="16385Mi"),
    cache(".maxBytes", "must be a quantity", maxBytes="64MB"),
    cache(".backend", "never a URL", backend="redis://cache:6379"),
    cache(".backend", "at least 1 chars", backend=""),
    cache(".secretName", "name the backend", secretName="redis"),
    cache(".secretName", "should match", backend="default", secretName="other/redis"),
    spec("containerConcurrency", "greater than or equal to 1", containerConcurrency=0),
    spec("containerConcurrency", "less than or equal to 100000", containerConcurrency=100_001),
    spec("maxQueueLength", "greater than or equal to 0", maxQueueLength=-1),
    spec("maxQueueLength", "less than or equal to 100000", maxQueueLength=100_001),
    spec("maxRequestBytes", "at least 1Ki", maxRequestBytes=1000),
    spec("maxRequestBytes", "at most 1Gi", maxRequestBytes="1025Mi"),
    spec("maxRequestBytes", "must be a quantity", maxRequestBytes="8MB"),
    spec("auth.secretName", "Required value", auth={}),
    spec("auth.secretName", "should match", auth={"secretName": "Keys"}),
    spec("auth.apiKey", "unknown field", auth={"secretName": "keys", "apiKey": "s3cr3t"}),
    spec("accessLog.percent", "less than or equal to 100", accessLog={"percent": 100.1}),
    spec("accessLog.percent", "greater than or equal to 0", accessLog={"percent": -1}),
    Case("deadline too short", {"progressDeadlineSeconds": 9}, refusal=("spec.progressDeadlineSeconds",)),
    Case("deadline too long", {"progressDeadlineSeconds": 86_401}, refusal=("spec.progressDeadlineSeconds",)),
    Case("no inputs", {"testRequest": {"inputs": []}}, refusal=("spec.testRequest.inputs",)),
    Case("input twice", {"testRequest": {"inputs": [TENSOR, TENSOR]}}, refusal=("inputs[1]", "Duplicate")),
    tensor("datatype", datatype="FP8"),
    tensor("shape[0]", shape=[-1, 2]),
    tensor("shape[1]", shape=[1, 2**31]),
    tensor("shape", shape=[1] * 9),
    tensor("data", data="1,2"),
    tensor("data", data=None),
    tensor("data[0]", data=[{"b64": "AA=="}]),
    tensor("data[0]", data=["x" * 1025]),
    tensor("name", name=""),
    Case("tolerance", {"testRequest": {"inputs": [TENSOR], "tolerance": -1}}, refusal=("spec.testRequest.tolerance",)),
    *(
        Case(f"pod {name}", {"podTemplate": {"spec": {name: value}}}, refusal=(f"spec.podTemplate.spec.{name}",))
        for name, value in {
            "volumes": [{"name": "root", "hostPath": {"path": "/"}}], "hostNetwork": True, "hostPID": True,
            "containers": [{"name": "server", "image": "evil"}], "securityContext": {"runAsUser": 0},
            "runtimeClassName": "../x", "terminationGracePeriodSeconds": -1,
        }.items()
    ),
    Case(
        "label of the operator",
        {"podTemplate": {"metadata": {"labels": {"moorage.dev/revision": "x"}}}},
        refusal=("spec.podTemplate.metadata.labels", "belong to the operator"),
    ),
    Case(
        "annotation of the operator",
        {"podTemplate": {"metadata": {"annotations": {"moorage.dev/routes-generation": "9"}}}},
        refusal=("spec.podTemplate.metadata.annotations", "belong to the operator"),
    ),
    Case(
        "label with a newline",
        {"podTemplate": {"metadata": {"labels": {"team": "a\nb"}}}},
        refusal=("spec.podTemplate.metadata.labels",),
    ),
    Case("node label with shell text", {"nodeSelector": {"a": "$(id)"}}, refusal=("spec.nodeSelector",)),
    Case("toleration", {"tolerations": [{"operator": "Maybe"}]}, refusal=("spec.tolerations[0].operator",)),
    rollout(".steps", "must not fall", steps=[{"trafficPercent": 20}, {"trafficPercent": 5}]),
    rollout(".steps[0].trafficPercent", "needs trafficPercent, shadow or pause", steps=[{"hold": "1m"}]),
    rollout(".steps[0].trafficPercent", steps=[{"trafficPercent": 101}]),
    rollout(".steps[0].hold", "must be a duration", steps=[{"trafficPercent": 5, "hold": "soon"}]),
    rollout(".steps[0].shadow.percent", steps=[{"shadow": {"percent": 0}}]),
    rollout(".steps", "Too many", steps=[{"trafficPercent": 5}] * 21),
    rollout(".shieldPatience", "has no use", shield=False, shieldPatience="1s"),
    rollout(".stickiness.header", "name of a header", stickiness={"header": "x user"}),
    rollout(".analysis.maxErrorRate", "must be a share", analysis={"maxErrorRate": "0.01"}),
    rollout(".analysis.maxErrorRate", "must be a share", analysis={"maxErrorRate": "101%"}),
    rollout(".analysis.onInconclusive", analysis={"onInconclusive": "guess"}),
    rollout(".analysis.metrics[0].max", "judges nothing", analysis={"metrics": [{"name": "a", "prometheus": ASKED}]}),
    rollout(".analysis.webhooks[0].url", "must begin with", analysis={"webhooks": [{"name": "a", "url": "file:///a"}]}),
    experiment(".arms", "must not exceed 99", arms=[ARM, {**ARM, "name": "c"}]),
    experiment(".arms[0].name", arms=[{**ARM, "name": "stable"}]),
    experiment(".winner", "must be the name of an arm", winner="z"),
    experiment(".arms", "should have at least 1", arms=[]),
    Case(
        "steps beside an A/B test",
        {"abTest": {"header": "h", "arms": [ARM]}, **STEPS},
        refusal=("spec.rollout.steps", "split the same traffic twice"),
    ),
    Case("revisionHistoryLimit", {"revisionHistoryLimit": 51}, refusal=("spec.revisionHistoryLimit",)),
    Case("33 tolerations", {"tolerations": [{"operator": "Exists"}] * 33}, refusal=("spec.tolerations", "Too many")),
)  # fmt: skip
