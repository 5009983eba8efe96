"""The status as the API server takes it: what is beyond the schema is left out, and the rest is told all the same."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from moorage_operator.api.model_deployment import ModelDeploymentStatus

Status = dict[str, Any]


def within_bounds(status: Status) -> Status:
    """The status without the parts that would be refused: nothing that is told may keep anything from being done."""
    while (place := _refused(status)) is not None:
        status = _without(status, place)
    return status


def _refused(status: Status) -> tuple[str, str | None] | None:
    """The first field that does not validate, and which part of it: None where one is missing."""
    try:
        ModelDeploymentStatus.model_validate(status)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field, part = str(first["loc"][0]), str(first["loc"][1]) if len(first["loc"]) > 1 else ""
        return field, part if isinstance(status.get(field), dict) and part in status[field] else None
    return None


def _without(status: Status, place: tuple[str, str | None]) -> Status:
    """Without the field; of the rollout, which is remembered, only without the part of it."""
    field, part = place
    kept = {key: value for key, value in status.items() if key != field}
    if field != "rollout" or part is None:
        return kept
    return kept | {field: {key: value for key, value in status[field].items() if key != part}}
