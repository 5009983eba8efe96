"""Where the artifact of a custom resource is served: the settings decide by name, a custom resource only names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Endpoint, Resolved


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`store`: behind s3:// URIs. `registries`: behind mlflow-artifacts: URIs, by the registry's name."""

    store: Endpoint
    registries: Mapping[str, Endpoint]

    def of(self, deployment: ModelDeployment, resolved: Resolved | None) -> Endpoint:
        """The endpoint for what was resolved, or for what the last revision came from."""
        last = deployment.status.model
        uri = resolved.artifact_uri if resolved else (last.artifact_uri if last else "")
        if uri.startswith("mlflow-artifacts:"):
            name = resolved.registry if resolved else deployment.spec.model.registry
            return self.registries.get(name, Endpoint())
        return self.store if uri.startswith("s3://") else Endpoint()
