"""The schema's CEL rules applied offline, with the functions that Kubernetes adds to the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any

from celpy import Environment, Runner, celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

from moorage_operator.api.frozen import VALIDATIONS
from moorage_operator.api.quantity import parse_quantity
from moorage_operator.commands.documents import Where
from moorage_operator.commands.structure import Breach, Schema
from moorage_operator.errors import SpecFault

REASON = "RuleBroken"
_ENVIRONMENT = Environment()


def broken_rules(
    schema: Schema, value: Any, where: Where = (), *, skip: frozenset[Where] = frozenset()
) -> Iterator[Breach]:
    """Every rule that does not hold at `where` and below it; `value` holds its defaults.

    `skip`: where something is wrong already. As in the API server, a rule around it would only repeat that.
    """
    for name, inner, deeper in _children(schema, value):
        yield from broken_rules(deeper, inner, (*where, name), skip=skip)
    if any(each[: len(where)] == where for each in skip):
        return
    for rule in schema.get(VALIDATIONS, ()):
        if not holds(rule["rule"], value):
            yield Breach(where + _field(rule), REASON, rule["message"])


def holds(rule: str, value: Any) -> bool:
    """Whether a rule holds for `self`. One that cannot be evaluated does not: the API server says no as well."""
    try:
        return bool(_program(rule).evaluate({"self": json_to_cel(value)}))
    except CELEvalError:
        return False


def _children(schema: Schema, value: Any) -> Iterator[tuple[str | int, Any, Schema]]:
    if isinstance(value, dict):
        fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            deeper = fields.get(name, rest)
            if deeper is not None:
                yield name, inner, deeper
    elif isinstance(value, list) and "items" in schema:
        yield from ((index, inner, schema["items"]) for index, inner in enumerate(value))


def _field(rule: Mapping[str, str]) -> Where:
    return tuple(rule.get("fieldPath", "").strip(".").split(".")) if "fieldPath" in rule else ()


@lru_cache(maxsize=256)
def _program(rule: str) -> Runner:
    functions: dict[str, Any] = {
        "isQuantity": _is_quantity,
        "quantity": _quantity,
        "compareTo": _compare,
        "isSorted": _is_sorted,
        "sum": _sum,
    }
    return _ENVIRONMENT.program(_ENVIRONMENT.compile(rule), functions=functions)


def _is_quantity(text: Any) -> celtypes.BoolType:
    try:
        parse_quantity(str(text))
    except SpecFault:
        return celtypes.BoolType(False)
    return celtypes.BoolType(True)


def _quantity(text: Any) -> Any:
    try:
        return _Quantity(parse_quantity(str(text)))
    except SpecFault as fault:
        return CELEvalError(fault.message)


def _compare(one: Any, other: Any) -> Any:
    return celtypes.IntType((one.amount > other.amount) - (one.amount < other.amount))


def _is_sorted(items: Any) -> celtypes.BoolType:
    return celtypes.BoolType(all(before <= after for before, after in pairwise(items)))


def _sum(items: Any) -> celtypes.IntType:
    return celtypes.IntType(sum(int(each) for each in items))


class _Quantity(celtypes.StringType):
    """An amount in units, in a coat that the evaluator knows."""

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount
