"""What the values of a model mean to people: its features, and its outputs' roles, worked out once per version."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from moorage_runtime import examples, signature
from moorage_runtime.artifact import Signature
from moorage_runtime.codecs.features import samples
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.features.writer import Writer
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.repository.served import Served
from moorage_runtime.tensors import Array, zeros


class Interpreter:
    """Of one version. `elements`: of all tensors of one request, at most."""

    def __init__(self, served: Served, elements: int) -> None:
        self.served = served
        manifest, engine = served.manifest, served.engine
        self.layout = signature.layout(manifest.signature, engine.inputs, _columns(served, manifest.signature))
        self.reader = Reader(self.layout, elements)
        self.writer = Writer(engine.outputs, manifest.classes, served.version, served.verdict.margins)
        self._elements = elements

    @cached_property
    def v1(self) -> V1Reader:
        """The reader of V1 requests."""
        engine = self.served.engine
        return V1Reader(engine.inputs, self.reader, self._elements, engine.optional)

    @cached_property
    def inputs(self) -> dict[str, Array]:
        """What one might send: the model's own example, else zeros."""
        specs = self.served.engine.inputs
        example = self.served.manifest.example
        found = examples.read(self.served.folder, example, specs) if example else None
        return found or {name: zeros(spec) for name, spec in specs.items()}

    @cached_property
    def row(self) -> dict[str, Any]:
        """One row of features that one might send."""
        return samples.row(self.layout, self.inputs)


def _columns(served: Served, declared: Signature | None) -> tuple[str, ...] | None:
    """The example's column names, asked only where the signature gives none."""
    if served.manifest.example is None or (declared and any(column.name for column in declared.inputs)):
        return None
    return examples.columns(served.folder, served.manifest.example)


class Interpreters:
    """The interpreters of what is served now."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._made: dict[str, Interpreter] = {}

    def of(self, served: Served) -> Interpreter:
        """The one of this version; those of what is served no more are forgotten."""
        known = self._made.get(served.name)
        if known is not None and known.served is served:
            return known
        serving = {id(each) for each in self._plane.catalogue.served}
        self._made = {name: each for name, each in self._made.items() if id(each.served) in serving}
        self._made[served.name] = made = Interpreter(served, self._plane.config.limits.elements)
        return made
