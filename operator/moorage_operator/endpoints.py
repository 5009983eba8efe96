"""Where the artifact of a custom resource is served: the settings decide by name, a custom resource only names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Endpoint, Resolved
from moorage_operator.settings import Settings

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """By the name in `spec.model.registry`: `stores` behind s3:// URIs, `registries` behind mlflow-artifacts: ones."""

    stores: Mapping[str, Endpoint]
    registries: Mapping[str, Endpoint]

    @classmethod
    def of_settings(cls, settings: Settings) -> Endpoints:
        """As the settings name them; a pod may reach a registry by another URL than the operator."""
        return cls(
            stores={
                name: Endpoint(endpoint=store.endpoint, region=store.region, ca_config_map=store.ca_config_map)
                for name, store in settings.stores.items()
            },
            registries={
                name: Endpoint(
                    tracking_uri=registry.pod_tracking_uri or registry.tracking_uri,
                    ca_config_map=registry.ca_config_map,
                )
                for name, registry in settings.registries.items()
            },
        )

    def of(self, deployment: ModelDeployment, resolved: Resolved | None) -> Endpoint:
        """The endpoint for what was resolved, or for what the last revision came from."""
        last = deployment.status.model
        uri = resolved.artifact_uri if resolved else (last.artifact_uri if last else "")
        name = resolved.registry if resolved else deployment.spec.model.registry
        if uri.startswith("mlflow-artifacts:"):
            return self.registries.get(name, Endpoint())
        return self._store(name) if uri.startswith("s3://") else Endpoint()

    def _store(self, name: str) -> Endpoint:
        """A registry that hands out s3:// URIs without a store of its name uses the default one; none: the cloud's."""
        return self.stores.get(name) or self.stores.get(DEFAULT) or Endpoint()
