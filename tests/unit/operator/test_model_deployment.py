"""Parsing: whatever the schema admits, the models read; it touches nothing and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.contract.crd_cases import GOOD, TAKEN, Case, merged
from tests.unit.operator.test_crd import SPEC, STATUS, VALIDATOR

from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.storage_uri import parse_storage_uri
from moorage_operator.api.structural import Schema

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
ANYTHING = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def text(schema: Schema) -> st.SearchStrategy[Any]:
    low, high = schema.get("minLength", 0), min(schema.get("maxLength", 20), 20)
    free = st.text(st.characters(exclude_categories=["Cs"]), min_size=low, max_size=high)
    if "pattern" not in schema:
        return free
    longest = schema.get("maxLength", 253)
    return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True).filter(
        lambda value: len(value) <= longest
    )


def admitted(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that the schema admits, as the API server gives them back."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.integers(0, 2**40) | text(schema)
    if "type" not in schema:
        return ANYTHING
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**53)
    open_below = schema.get("exclusiveMinimum", False)
    strategies: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: text(schema),
        "integer": lambda: st.integers(low, high),
        "boolean": st.booleans,
        "number": lambda: (
            st.integers(low + open_below, high) | st.floats(low, high, exclude_min=open_below, allow_subnormal=False)
        ),
        "array": lambda: st.lists(admitted(schema["items"]), min_size=schema.get("minItems", 0), max_size=2),
        "object": lambda: mapping(schema),
    }
    return strategies[schema["type"]]()


def mapping(schema: Schema) -> st.SearchStrategy[Any]:
    if "additionalProperties" in schema:
        return st.dictionaries(st.text(min_size=1, max_size=8), admitted(schema["additionalProperties"]), max_size=2)
    fields = {name: admitted(value) for name, value in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=fields)


METADATA = {"name": "a", "namespace": "b", "uid": "c", "generation": 1, "managedFields": [], "resourceVersion": "1"}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=admitted(SPEC), status=admitted(STATUS))
def test_reads_whatever_the_schema_admits(spec: Schema, status: Schema) -> None:
    parsed = ModelDeployment.model_validate({"metadata": METADATA, "spec": spec, "status": status})
    told = parsed.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert told["spec"] == spec
    assert told["status"] == status


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_reads_every_accepted_case(case: Case) -> None:
    spec = ModelDeployment.model_validate({**case.body, "metadata": METADATA}).spec
    assert parse_storage_uri(spec.model.storage_uri)
    assert 0 < duration_seconds(spec.timeout, "spec.timeout") <= 3600


def test_defaults_in_python_are_those_of_the_api_server() -> None:
    spec = ModelDeployment.model_validate({**GOOD, "metadata": METADATA}).spec
    assert (spec.runtime, spec.min_replicas, spec.timeout) == ("onnx", 1, "60s")
    assert (spec.progress_deadline_seconds, spec.model.registry) == (600, "default")
    defaults = {name: node["default"] for name, node in SPEC["properties"].items() if "default" in node}
    told = spec.model_dump(by_alias=True, mode="json")
    assert {name: told[name] for name in defaults} == defaults


def test_unknown_field_of_the_spec_is_refused_of_the_status_ignored() -> None:
    newer = merged(GOOD, {"metadata": METADATA, "status": {"observedGeneration": 1, "mood": "fine"}})
    assert ModelDeployment.model_validate(newer).status.observed_generation == 1
    with pytest.raises(ValidationError, match=r"spec\.mood"):
        ModelDeployment.model_validate(merged(newer, {"spec": {"mood": "fine"}}))


def test_nothing_can_be_changed() -> None:
    parsed = ModelDeployment.model_validate({**GOOD, "metadata": METADATA})
    for record in (parsed, parsed.spec, parsed.spec.model, parsed.status):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(record, next(iter(type(record).model_fields)), None)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_taken_and_read(file: Path) -> None:
    for body in yaml.safe_load_all(file.read_text()):
        assert list(VALIDATOR.iter_errors(body["spec"])) == []
        parsed = ModelDeployment.model_validate(merged(body, {"metadata": {"namespace": "a", "uid": "b"}}))
        assert parse_storage_uri(parsed.spec.model.storage_uri)


def test_there_are_examples() -> None:
    assert {file.stem for file in EXAMPLES} >= {"breast-cancer", "s3", "autoscaled", "pinned"}
