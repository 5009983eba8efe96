"""Everything that can be said about the resources of some files without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from moorage_operator.api.crd import KIND, crd
from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.commands.documents import Document, Where
from moorage_operator.commands.finding import Finding, Severity, finding
from moorage_operator.commands.practices import Remark, remarks
from moorage_operator.commands.rules import broken_rules
from moorage_operator.commands.settled import unknown_names
from moorage_operator.commands.structure import Breach, Schema, breaches, defaulted
from moorage_operator.names import API_VERSION, GROUP
from moorage_operator.settings import Settings

ROOT: Schema = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
_KEPT_BY_THE_SERVER = ("creationTimestamp", "deletionTimestamp", "generation", "deletionGracePeriodSeconds")
_METADATA: Schema = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("name", "generateName", "namespace", "uid", "resourceVersion")},
        **{name: {"type": "object", "additionalProperties": {"type": "string"}} for name in ("labels", "annotations")},
        **{name: {"type": "array"} for name in ("ownerReferences", "finalizers", "managedFields")},
        **{name: {} for name in _KEPT_BY_THE_SERVER},
    },
}
_SCHEMA: Schema = {
    **ROOT,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {**ROOT["properties"], "metadata": _METADATA, "status": {}},
}


def inspect(documents: Sequence[Document], settings: Settings | None = None) -> list[Finding]:
    """The findings, in the order of the files and lines. `settings`: the operator's, where they are known."""
    files = list(dict.fromkeys(document.file for document in documents))
    found = [*chain.from_iterable(_of_document(document, settings) for document in documents), *_twice(documents)]
    return sorted(found, key=lambda each: (files.index(each.file), each.line, each.column, each.severity.rank))


def is_ours(data: Any) -> bool:
    """Whether a document means to be one of ours; other kinds may stand in the same file."""
    return isinstance(data, dict) and str(data.get("apiVersion", "")).partition("/")[0] == GROUP


def _of_document(document: Document, settings: Settings | None) -> Iterator[Finding]:
    if not isinstance(document.data, dict) or not {"apiVersion", "kind"} <= document.data.keys():
        told = "is no Kubernetes object: apiVersion and kind are missing"
        yield finding(document, (), Severity.ERROR, "NotAnObject", told)
        return
    for where in document.repeated:
        yield finding(
            document, where, Severity.ERROR, "DuplicateKey", "stands here twice; only the last one would count"
        )
    if not is_ours(document.data):
        return
    version, kind = document.data["apiVersion"], document.data["kind"]
    if (version, kind) != (API_VERSION, KIND):
        message = f"there is no {kind} in {version}; write apiVersion: {API_VERSION} and kind: {KIND}"
        yield finding(document, ("kind",), Severity.ERROR, "UnknownKind", message)
        return
    broken = list(_broken(document.data))
    yield from (finding(document, each.where, Severity.ERROR, each.reason, each.message) for each in broken)
    if not broken:
        yield from (finding(document, *remark) for remark in _remarks(_parsed(document.data).spec, settings))


def _remarks(spec: ModelDeploymentSpec, settings: Settings | None) -> Iterator[Remark]:
    yield from unknown_names(spec, settings) if settings is not None else ()
    yield from remarks(spec, settings)


def _broken(data: dict[str, Any]) -> Iterator[Breach]:
    shape = list(breaches(_SCHEMA, data))
    yield from shape
    metadata = data.get("metadata")
    if isinstance(metadata, dict) and not {"name", "generateName"} & metadata.keys():
        shape.append(Breach(("metadata", "name"), "Required", "is required"))
        yield shape[-1]
    generated: frozenset[Where] = frozenset() if _named(metadata) else frozenset({("metadata",)})
    yield from broken_rules(ROOT, defaulted(ROOT, data), skip=frozenset(each.where for each in shape) | generated)


def _named(metadata: Any) -> bool:
    return isinstance(metadata, dict) and "name" in metadata


def _parsed(data: dict[str, Any]) -> ModelDeployment:
    metadata = {"name": "", "namespace": "", "uid": ""}
    return ModelDeployment.model_validate({"metadata": metadata, "spec": data["spec"]})


def _twice(documents: Iterable[Document]) -> Iterator[Finding]:
    first: dict[tuple[str, ...], Document] = {}
    for document in documents:
        identity = _identity(document.data)
        before = first.setdefault(identity, document) if identity is not None else document
        if before is not document:
            where = f"{before.file}:{before.place(()).line}"
            told = f"the same object stands in {where}; only the last one would count"
            yield finding(document, ("metadata", "name"), Severity.ERROR, "DuplicateObject", told)


def _identity(data: Any) -> tuple[str, ...] | None:
    metadata = data.get("metadata") if is_ours(data) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return None
    return tuple(str(part) for part in (metadata.get("namespace"), metadata["name"]) if part)
