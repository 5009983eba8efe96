"""The CustomResourceDefinition, made from the models.

`python -m moorage_operator.api.crd`, run at the root of the repository, writes crds/ and docs/reference/.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from moorage_operator.api.frozen import VALIDATIONS, cel
from moorage_operator.api.model_deployment import ModelDeploymentSpec, ModelDeploymentStatus
from moorage_operator.api.reference import conditions_page, reference_page
from moorage_operator.api.structural import Schema, structural_schema

GROUP = "moorage.dev"
VERSION = "v1alpha1"
KIND = "ModelDeployment"
PLURAL = "modeldeployments"

CRD_FILE = Path("crds", f"{GROUP}_{PLURAL}.yaml")
REFERENCE_FILE = Path("docs", "reference", "modeldeployment.md")
CONDITIONS_FILE = Path("docs", "reference", "conditions.md")

_HEADER = "# Generated from operator/moorage_operator/api by `make generate`; edit the models instead.\n"
_ABOUT = (
    "A machine-learning model, served: which one, with what, and by how many pods. A new version gets traffic only "
    "after its pods answered a real request; until then the version before it serves on."
)
_NAME = cel(
    "self.metadata.name.size() <= 50 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name must have at most 50 lower-case letters, digits and '-', begin with a letter and not end with '-', "
    "because Services are named after it",
)


def crd() -> Schema:
    """The whole CustomResourceDefinition as plain data."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["mdep"],
                "categories": ["ml"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def crd_text() -> str:
    """The file under crds/."""
    return _HEADER + yaml.dump(crd(), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def _version() -> Schema:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.minReplicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": _columns(),
    }


def _root() -> Schema:
    return {
        "description": _ABOUT,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": f"{GROUP}/{VERSION}.", "type": "string"},
            "kind": {"description": f"{KIND}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(ModelDeploymentSpec, defaults=True),
            "status": structural_schema(ModelDeploymentStatus, defaults=False)
            | {"default": {"observedGeneration": -1}},
        },
        VALIDATIONS: [_NAME],
    }


def _columns() -> list[Schema]:
    ready = '.status.conditions[?(@.type=="Ready")].status'
    return [
        {"name": "Ready", "type": "string", "description": "Whether it serves.", "jsonPath": ready},
        {"name": "Version", "type": "string", "description": "The version that serves.", "jsonPath": ".status.version"},
        {
            "name": "Replicas",
            "type": "string",
            "description": "Ready pods of wanted pods.",
            "jsonPath": ".status.ready",
        },
        {"name": "Traffic", "type": "string", "description": "Who answers what.", "jsonPath": ".status.traffic"},
        {"name": "URL", "type": "string", "description": "Base URL.", "priority": 1, "jsonPath": ".status.url"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


class _Plain(yaml.SafeDumper):
    """Writes equal parts twice instead of linking them, so that every part can be read where it stands."""

    def ignore_aliases(self, _data: Any) -> bool:
        """No anchors: PyYAML's hook."""
        return True


def generated() -> dict[Path, str]:
    """Every generated file, by its path below the root of the repository."""
    return {CRD_FILE: crd_text(), REFERENCE_FILE: reference_page(crd()), CONDITIONS_FILE: conditions_page()}


def write(root: Path) -> None:
    """Write every generated file below the root of the repository."""
    for file, text in generated().items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote {file}\n")


if __name__ == "__main__":
    write(Path.cwd())
