"""The generated CRD: the files are what the models say, and what a structural schema demands holds everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel
from tests.contract.crd_cases import GOOD, REFUSED, TAKEN, Case

from moorage_operator import names
from moorage_operator.api import crd as generator
from moorage_operator.api.conditions import Reason
from moorage_operator.api.structural import NotStructural, Schema, structural_schema

ROOT = Path(__file__).parents[3]
CRD = generator.crd()
ROOT_SCHEMA: Schema = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SPEC: Schema = ROOT_SCHEMA["properties"]["spec"]
STATUS: Schema = ROOT_SCHEMA["properties"]["status"]


def nodes(schema: Schema, path: str, *, listed: bool = False) -> Iterator[tuple[str, Schema, bool]]:
    """Every node with its path, and whether it lies inside a list."""
    yield path, schema, listed
    for name, value in schema.get("properties", {}).items():
        yield from nodes(value, f"{path}.{name}", listed=listed)
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]", listed=True)
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}", listed=listed)


EVERY = [*nodes(SPEC, "spec"), *nodes(STATUS, "status")]


@pytest.mark.parametrize("file", generator.generated(), ids=str)
def test_checked_in_files_are_what_the_models_say(file: Path) -> None:
    assert (ROOT / file).read_text() == generator.generated()[file], "run `make generate`"


def test_pages_tell_every_field_rule_and_reason() -> None:
    pages = "".join(text for file, text in generator.generated().items() if file.suffix == ".md")
    assert [
        path for path, _, _ in EVERY if "." in path and not path.endswith(("[]", "{}")) and f"| `{path}` |" not in pages
    ] == []
    rules = [rule["message"] for _, node, _ in EVERY for rule in node.get("x-kubernetes-validations", ())]
    assert [message for message in rules if message not in pages] == []
    assert [reason for reason in Reason if f"| `{reason}` |" not in pages] == []


def test_file_is_plain_yaml_of_the_whole() -> None:
    assert yaml.safe_load(generator.crd_text()) == CRD
    assert "&id" not in generator.crd_text()


def test_names_agree_with_the_rest() -> None:
    told = (generator.GROUP, generator.VERSION, generator.KIND, generator.PLURAL)
    assert told == (names.GROUP, names.VERSION, names.KIND, names.PLURAL)


def test_fits_into_the_annotation_of_client_side_apply() -> None:
    assert len(generator.crd_text().encode()) < 192 * 1024


def test_every_field_is_told_in_words() -> None:
    told = [(path, node.get("description", "")) for path, node, _ in EVERY if not path.endswith(("[]", "{}"))]
    assert [path for path, words in told if not words.endswith(".") or "\n" in words] == []


def test_everything_is_bounded() -> None:
    bounds = {
        "string": {"maxLength", "enum"},
        "array": {"maxItems"},
        "object": {"properties", "maxProperties"},
        "integer": {"minimum"},
        "number": {"maximum"},
        "boolean": {"type"},
        None: {"maxLength"},
    }
    assert [path for path, node, _ in EVERY if not node.keys() & bounds[node.get("type")]] == []


def test_every_node_is_structural() -> None:
    alien = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title", "uniqueItems", "nullable", "propertyNames"}
    typeless = {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"}
    assert [path for path, node, _ in EVERY if node.keys() & alien] == []
    assert [path for path, node, _ in EVERY if ("type" in node) == bool(node.keys() & typeless)] == []
    assert [path for path, node, _ in EVERY if {"properties", "additionalProperties"} <= node.keys()] == []


def test_defaults_are_scalars_of_the_spec_outside_lists() -> None:
    """Anything else would show as drift in GitOps tools, or make two equal statuses differ."""
    filled = {path: node["default"] for path, node, _ in EVERY if "default" in node}
    assert filled.pop("status") == {"observedGeneration": -1}
    assert [path for path, _, listed in EVERY if path in filled and listed] == []
    assert filled == {
        "spec.model.registry": "default",
        "spec.runtime": "onnx",
        "spec.minReplicas": 1,
        "spec.timeout": "60s",
        "spec.progressDeadlineSeconds": 600,
        "spec.testRequest.tolerance": 0.0001,
        "spec.batcher.maxBatchSize": 64,
        "spec.batcher.maxLatency": "0s",
        "spec.cache.maxEntries": 10_000,
        "spec.cache.ttl": "60s",
        "spec.accessLog.percent": 0,
        "spec.rollout.paused": False,
        "spec.rollout.shield": True,
        "spec.rollout.scaleDownDelay": "30s",
        "spec.rollout.maxHold": "30m",
        "spec.rollout.analysis.interval": "10s",
        "spec.rollout.analysis.minSamples": 200,
        "spec.rollout.analysis.warmUp": "5s",
        "spec.rollout.analysis.maxErrorRate": "1%",
        "spec.rollout.analysis.maxLatencyRatio": 1.5,
        "spec.rollout.analysis.latencyQuantile": 95,
        "spec.rollout.analysis.maxDisagreement": "10%",
        "spec.rollout.analysis.failureLimit": 2,
        "spec.rollout.analysis.onInconclusive": "hold",
        "spec.rollout.analysis.compare.percent": 100,
        "spec.rollout.analysis.compare.tolerance": 0.1,
        "spec.rollout.analysis.compare.topK": 1,
        "spec.shadow.model.registry": "default",
        "spec.shadow.percent": 100,
        "spec.shadow.compare.percent": 100,
        "spec.shadow.compare.tolerance": 0.1,
        "spec.shadow.compare.topK": 1,
        "spec.abTest.salt": "",
        "spec.allowSchemaChange": False,
        "spec.revisionHistoryLimit": 10,
    }


def test_lists_say_how_they_merge() -> None:
    lists = {path: node for path, node, _ in EVERY if node.get("type") == "array"}
    assert [path for path, node in lists.items() if node.get("x-kubernetes-list-type") not in {"map", "atomic"}] == []
    keys = {path: set(node.get("x-kubernetes-list-map-keys", ())) for path, node in lists.items()}
    assert [path for path, node in lists.items() if not keys[path] <= set(node["items"].get("required", ()))] == []
    assert {path for path in keys if keys[path]} == {
        "spec.env",
        "spec.testRequest.inputs",
        "spec.testRequest.expect.outputs",
        "spec.rollout.analysis.metrics",
        "spec.rollout.analysis.webhooks",
        "spec.abTest.arms",
        "status.conditions",
    }


def test_rules_blame_a_field_that_exists() -> None:
    rules = [(path, node, rule) for path, node, _ in EVERY for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) >= 20
    blamed = [(path, node, rule["fieldPath"]) for path, node, rule in rules if "fieldPath" in rule]
    assert [(path, field) for path, node, field in blamed if not has_field(node, field)] == []


def has_field(node: Schema, path: str) -> bool:
    for name in path.removeprefix(".").split("."):
        if name not in node.get("properties", {}):
            return False
        node = node["properties"][name]
    return True


def offline(schema: Schema) -> Any:
    """The schema for a validator that knows JSON Schema alone: maps are closed, int-or-string is spelled out."""
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes")}
    if schema.get("x-kubernetes-int-or-string"):
        out["type"] = ["integer", "string"]
    if "properties" in schema:
        out["properties"] = {name: offline(value) for name, value in schema["properties"].items()}
        out["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if key in schema:
            out[key] = offline(schema[key])
    return out


VALIDATOR = jsonschema.Draft202012Validator(offline(SPEC))


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_schema_takes(case: Case) -> None:
    assert list(VALIDATOR.iter_errors(case.body["spec"])) == []


BY_STRUCTURE = [
    case
    for case in REFUSED
    if any(words in "".join(case.refusal) for words in ("unknown field", "Required", "of type", "Too many", "Too long"))
]


@pytest.mark.parametrize("case", BY_STRUCTURE, ids=lambda case: case.name)
def test_schema_refuses(case: Case) -> None:
    assert list(VALIDATOR.iter_errors(case.body["spec"])) != []


def test_good_object_has_only_what_is_needed() -> None:
    assert SPEC["required"] == ["model"]
    assert set(GOOD["spec"]) == {"model"}


class Leaf(BaseModel):
    size: int


class Loop(BaseModel):
    inner: Loop | None = None


class Choice(BaseModel):
    either: Leaf | int


class Pair(BaseModel):
    pair: tuple[int, str]


@pytest.mark.parametrize(("model", "path"), [(Loop, "Loop.inner"), (Choice, "Choice.either"), (Pair, "Pair.pair")])
def test_refuses_models_without_a_structural_schema(model: type[BaseModel], path: str) -> None:
    with pytest.raises(NotStructural, match=path):
        structural_schema(model, defaults=True)
