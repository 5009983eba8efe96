"""The resources of some files, parsed; a broken one is refused with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moorage_operator.api.crd import KIND
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.commands.documents import Document, Unreadable, read
from moorage_operator.commands.finding import Severity
from moorage_operator.commands.inspection import ROOT, inspect, is_ours
from moorage_operator.commands.problem import Refused
from moorage_operator.commands.structure import defaulted

NO_UID = ""
"""Of a resource that no cluster has taken yet."""


def resources(file: str, namespace: str) -> list[ModelDeployment]:
    """Every ModelDeployment of a file, as the API server would keep it; `namespace` where one names none.

    Raises Refused when the file cannot be read, holds none, or holds one that the API server would refuse.
    """
    try:
        documents = read(file)
    except Unreadable as error:
        raise Refused(str(error)) from error
    _check(documents)
    found = [parse(document.data, namespace) for document in documents if is_ours(document.data)]
    if not found:
        raise Refused(f"{file} holds no {KIND}")
    return found


def parse(data: Mapping[str, Any], namespace: str) -> ModelDeployment:
    """One resource, its defaults filled in."""
    whole = defaulted(ROOT, dict(data))
    metadata = {"namespace": namespace, "uid": NO_UID, **whole["metadata"]}
    return ModelDeployment.model_validate({**whole, "metadata": metadata, "status": whole.get("status") or {}})


def _check(documents: Iterable[Document]) -> None:
    errors = [each for each in inspect(list(documents)) if each.severity is Severity.ERROR]
    if errors:
        raise Refused("\n".join(map(str, errors)))
