"""What the cluster holds besides Kubernetes: names, metrics, an S3 store, a model registry and a Prometheus."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .kubectl import Kubectl
from .layout import HERE

NAMESPACE = "moorage-parts"
SECRET = "s3-root"
READY_SECONDS = 180


@dataclass(frozen=True)
class PartImages:
    """Where the images of the parts come from; differs between kind and our own node."""

    metrics_server: str
    s3: str
    mlflow: str
    prometheus: str

    def fill(self, text: str) -> str:
        """Put the references into a manifest."""
        values = {
            "METRICS_SERVER": self.metrics_server,
            "S3": self.s3,
            "MLFLOW": self.mlflow,
            "PROMETHEUS": self.prometheus,
        }
        for name, reference in values.items():
            text = text.replace(f"@{name}_IMAGE@", reference)
        return text


def manifest(name: str) -> str:
    """Return the text of a manifest of this cluster."""
    return (HERE / "manifests" / f"{name}.yaml").read_text()


def apply(kubectl: Kubectl, images: PartImages) -> None:
    """Apply the parts; what is there already stays, its data and its credentials too."""
    kubectl.apply(manifest("namespaces"))
    if not kubectl.items("secrets", "-n", NAMESPACE, "--field-selector", f"metadata.name={SECRET}"):
        kubectl.apply_objects([credentials(secrets.token_hex(10), secrets.token_urlsafe(30))])
    texts = [manifest(name) for name in ("metrics-server", "s3", "mlflow", "prometheus")]
    kubectl.apply(images.fill("\n---\n".join(texts)))


def credentials(access_key: str, secret_key: str) -> Mapping[str, object]:
    """Return the Secret of the store's first user, under the names that S3 clients read."""
    values = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }


def await_ready(kubectl: Kubectl) -> None:
    """Wait until every part answers. Raises ClusterFailure."""
    for namespace, deployment in (
        ("kube-system", "coredns"),
        (NAMESPACE, "s3"),
        (NAMESPACE, "mlflow"),
        (NAMESPACE, "prometheus"),
        ("kube-system", "metrics-server"),
    ):
        kubectl.await_rollout(namespace, deployment, READY_SECONDS)
    kubectl.run("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=60s")
