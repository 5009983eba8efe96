"""What a pod is told about itself: the runtime's configuration, as an environment variable."""

from __future__ import annotations

from moorage_operator.api import model_deployment as api
from moorage_operator.api.conditions import Reason
from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired import answering
from moorage_operator.errors import SpecFault
from moorage_runtime.config import RuntimeConfig, Source, TestRequest, encode

CLAIM_DIR = "/mnt/claim"
CA_DIR = "/etc/moorage/ca"
CA_KEY = "ca.crt"
VARIABLE_BYTES = 120 * 1024
"""Linux starts no process with a variable of 128 KiB or more."""
MARGIN_SECONDS = 5
"""Between the end of the drain and the kubelet's SIGKILL."""


def runtime_config(
    owner: api.ModelDeployment, resolved: Resolved, revision: str, defaults: Defaults, endpoint: Endpoint
) -> RuntimeConfig:
    """The configuration of both containers. Raises SpecFault when the artifact lies where no download can reach,
    or when the settings know no cache of the name that the spec gives.
    """
    spec = owner.spec
    return RuntimeConfig(
        model=owner.metadata.name,
        namespace=owner.metadata.namespace,
        version=resolved.version,
        revision=revision,
        source=source(resolved.artifact_uri, endpoint),
        digest=spec.model.digest,
        model_format=spec.model.model_format.name if spec.model.model_format else None,
        test_request=_test_request(spec.test_request),
        timeout_seconds=duration_seconds(spec.timeout, "spec.timeout"),
        drain_seconds=float(drain_seconds(spec, defaults)),
        limits=answering.limits(spec, defaults),
        **answering.choices(spec, defaults),
    )


def as_variable(config: RuntimeConfig) -> str:
    """The configuration as the value of an environment variable; the kubelet would expand `$(NAME)` in it.

    Raises SpecFault when it is too large for one.
    """
    text = encode(config)
    size = len(text.encode())
    if size > VARIABLE_BYTES:
        raise SpecFault(
            Reason.OBJECT_TOO_LARGE,
            f"spec.testRequest makes the pods' configuration {size // 1024} KiB large; at most "
            f"{VARIABLE_BYTES // 1024} KiB fit. Send fewer elements, "
            "or leave testRequest out and log the model with an input example.",
        )
    return text.replace("$", "$$")


def source(artifact_uri: str, endpoint: Endpoint) -> Source:
    """Where the download finds the artifact. Raises SpecFault for schemes that it does not read."""
    scheme, _, rest = artifact_uri.partition(":")
    ca_file = f"{CA_DIR}/{CA_KEY}" if endpoint.ca_config_map else None
    if scheme == "s3":
        return Source(uri=artifact_uri, endpoint=endpoint.endpoint, region=endpoint.region, ca_file=ca_file)
    if scheme == "mlflow-artifacts":
        return Source(uri=artifact_uri, tracking_uri=endpoint.tracking_uri, ca_file=ca_file)
    if scheme == "pvc":
        path = rest.removeprefix("//").partition("/")[2]
        return Source(uri=f"file://{CLAIM_DIR}/{path}".rstrip("/"))
    raise SpecFault(
        Reason.ARTIFACT_SCHEME_UNSUPPORTED,
        f"The registry keeps this version at {artifact_uri[:200]}, and {scheme}: is not among the stores that can be "
        "read (s3:, mlflow-artifacts:, pvc:). Log the model to one of them, or serve artifacts through the MLflow "
        "server (--serve-artifacts).",
    )


def claim_of(artifact_uri: str) -> str | None:
    """The PersistentVolumeClaim that a pvc:// URI names."""
    if not artifact_uri.startswith("pvc://"):
        return None
    return artifact_uri.removeprefix("pvc://").partition("/")[0]


def drain_seconds(spec: api.ModelDeploymentSpec, defaults: Defaults) -> int:
    """How long a stopping pod goes on answering; a grace period set by the user bounds it."""
    grace = spec.pod_template.spec.termination_grace_period_seconds
    if grace is None:
        return defaults.drain_seconds
    return max(1, grace - pre_stop_seconds(spec, defaults) - MARGIN_SECONDS)


def pre_stop_seconds(spec: api.ModelDeploymentSpec, defaults: Defaults) -> int:
    """How long a stopping pod waits before SIGTERM, so that every client has stopped calling it."""
    grace = spec.pod_template.spec.termination_grace_period_seconds
    return defaults.pre_stop_seconds if grace is None else max(1, min(defaults.pre_stop_seconds, grace // 2))


def grace_seconds(spec: api.ModelDeploymentSpec, defaults: Defaults) -> int:
    """The pod's termination grace period."""
    grace = spec.pod_template.spec.termination_grace_period_seconds
    return defaults.pre_stop_seconds + defaults.drain_seconds + MARGIN_SECONDS if grace is None else grace


def _test_request(wished: api.TestRequest | None) -> TestRequest | None:
    if wished is None:
        return None
    expected = None
    if wished.expect is not None:
        expected = [_plain(tensor) for tensor in wished.expect.outputs]
    return TestRequest(inputs=[_plain(tensor) for tensor in wished.inputs], expect=expected, tolerance=wished.tolerance)


def _plain(tensor: api.Tensor | api.ExpectedTensor) -> dict[str, object]:
    return tensor.model_dump(mode="json", by_alias=True, exclude_none=True)
