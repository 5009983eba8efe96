"""Names in a resource that only the operator's settings give a meaning to."""

from __future__ import annotations

from collections.abc import Iterator

from moorage_operator.api.model_deployment import ModelDeploymentSpec
from moorage_operator.api.storage_uri import parse_storage_uri
from moorage_operator.commands.finding import Severity
from moorage_operator.commands.meaning import check_name
from moorage_operator.commands.practices import Remark, models
from moorage_operator.desired.answering import cache_server
from moorage_operator.errors import Fault
from moorage_operator.settings import Settings


def unknown_names(spec: ModelDeploymentSpec, settings: Settings) -> Iterator[Remark]:
    """The registry, store or cache that the settings lack: the operator would stop there."""
    for where, model in models(spec):
        try:
            check_name(parse_storage_uri(model.storage_uri), model.registry, settings)
        except Fault as fault:
            yield (*where, "registry"), Severity.ERROR, fault.reason, _without_field(fault)
    try:
        cache_server(spec, settings.defaults())
    except Fault as fault:
        yield ("spec", "cache", "backend"), Severity.ERROR, fault.reason, _without_field(fault)


def _without_field(fault: Fault) -> str:
    """A finding names the field anyway."""
    return fault.message.partition(": ")[2]
