"""What is described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.codecs.features.roles import Roles
from moorage_runtime.signature import Layout
from moorage_runtime.tensors import Array, TensorSpec

Schema = dict[str, Any]
EXAMPLE_ELEMENTS = 4096


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One model that is served.

    `prefix`: of its schemas' names, "" where it is the only model. `row`, `tensors`: one row of features, and the
    inputs, that one might send. `optional`: inputs with a default.
    """

    name: str
    version: str
    prefix: str
    layout: Layout
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    roles: Roles
    classes: tuple[int | str, ...] | None
    row: Mapping[str, Any]
    tensors: Mapping[str, Array]
    optional: Mapping[str, TensorSpec] = {}

    def ref(self, schema: str) -> Schema:
        """A reference to one of the model's own schemas."""
        return {"$ref": f"#/components/schemas/{self.prefix}{schema}"}

    @property
    def shown(self) -> bool:
        """Whether the examples are small enough to be shown."""
        return sum(array.size for array in self.tensors.values()) <= EXAMPLE_ELEMENTS


def prefix(model: str, models: int) -> str:
    """What the names of a model's schemas begin with, where several models are described together."""
    return "" if models == 1 else re.sub(r"[^A-Za-z0-9._-]", "_", model) + "."
