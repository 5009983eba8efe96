"""The mould of every API model: immutable, camelCase outside, and carrying what only the CRD's schema can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

VALIDATIONS = "x-kubernetes-validations"


class Frozen(BaseModel):
    """Immutable, camelCase outside, snake_case inside, unknown fields refused; attribute docstrings describe fields."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )


class Told(Frozen):
    """As Frozen, but a field written by a newer release is ignored: a status must stay readable after a downgrade."""

    model_config = ConfigDict(extra="ignore")


def cel(rule: str, message: str, *, path: str | None = None) -> dict[str, str]:
    """One CEL rule: what must be true. `message` names the field and the cure. `path`: the field to blame."""
    return {"rule": rule, "message": message} | ({"fieldPath": path} if path else {})


def checked(*rules: dict[str, str], **extra: Any) -> dict[str, Any]:
    """What a model or a field adds to its schema: CEL rules and Kubernetes' own keywords."""
    return ({VALIDATIONS: list(rules)} if rules else {}) | extra


def keyed(*keys: str) -> dict[str, Any]:
    """The schema of a list whose entries are told apart by `keys`: no duplicates, merged entry by entry."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}


@dataclass(frozen=True, slots=True)
class ShapedBy:
    """The schema of `model` for a value that the operator copies to a child unread, as the API server gave it."""

    model: type[Frozen]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Pydantic's hook: the model's schema in place of the plain value's."""
        return handler(self.model.__pydantic_core_schema__)


_QUANTITY_OK = "type(self) == int ? self >= 0 : (isQuantity(self) && quantity(self).compareTo(quantity('0')) >= 0)"

IS_QUANTITY = cel(_QUANTITY_OK, "must be a quantity that is not negative, for example 500m, 2, 512Mi or 4Gi")

Quantity = Annotated[int | Annotated[str, Field(max_length=32)], Field(json_schema_extra=checked(IS_QUANTITY))]
"""A Kubernetes quantity."""

Label = Annotated[str, Field(max_length=63, pattern="^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
"""A label's value."""

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
"""A label's key: an optional DNS prefix, a slash and a name."""

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
]
"""The name of another object: a DNS subdomain."""
