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


TAKEN = (
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
    Case("33 tolerations", {"tolerations": [{"operator": "Exists"}] * 33}, refusal=("spec.tolerations", "Too many")),
)  # fmt: skip
