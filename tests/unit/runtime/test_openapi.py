"""The OpenAPI document: valid, and exactly what the readers take and the writers give."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_runtime.artifact import Column, Signature
from moorage_runtime.codecs.features import samples
from moorage_runtime.codecs.features.question import PLAIN, Question
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.features.writer import Writer
from moorage_runtime.codecs.openapi.document import document
from moorage_runtime.codecs.openapi.subject import EXAMPLE_ELEMENTS, Subject, prefix
from moorage_runtime.codecs.v1 import writer as v1_writer
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.codecs.v2.reader import Reader as V2Reader
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import Layout, layout
from moorage_runtime.tensors import Array, TensorSpec, zeros

OUTPUTS = {
    "label": TensorSpec("label", "INT64", (-1,)),
    "probabilities": TensorSpec("probabilities", "FP32", (-1, 2)),
}


def subject(
    inputs: list[TensorSpec],
    signature: Signature | None = None,
    outputs: dict[str, TensorSpec] | None = None,
    classes: tuple[int | str, ...] | None = (0, 1),
    name: str = "fraud",
    models: int = 1,
    tensors: dict[str, Array] | None = None,
) -> Subject:
    specs = {spec.name: spec for spec in inputs}
    found = layout(signature, specs)
    tensors = tensors or {spec.name: zeros(spec) for spec in inputs}
    gives = outputs or OUTPUTS
    return Subject(
        name=name,
        version="3",
        prefix=prefix(name, models),
        layout=found,
        inputs=specs,
        outputs=gives,
        roles=Writer(gives, classes, "3").roles,
        classes=classes,
        row=samples.row(found, tensors),
        tensors=tensors,
    )


TABLE = subject(
    [TensorSpec("X", "FP32", (-1, 3))],
    Signature((Column("mean radius", "double"), Column("count", "long"), Column("ok", "boolean"))),
    tensors={"X": np.array([[17.99, 3, 1]], np.float32)},
)
PAIR = subject(
    [
        TensorSpec("age", "INT32", (-1, 1)),
        TensorSpec("city", "BYTES", (-1,)),
        TensorSpec("image", "UINT8", (-1, 2, -1)),
        TensorSpec("rate", "FP16", (-1,)),
    ],
    Signature(
        (
            Column("age", "integer"),
            Column("city", "string", required=False),
            Column("image", "long", shape=(2, -1)),
            Column("rate", "double", required=False),
        )
    ),
    {"y": TensorSpec("y", "FP32", (-1, 1)), "word": TensorSpec("word", "BYTES", (-1,))},
    None,
)
FIXED = subject([TensorSpec("X", "FP32", (2, 2))], None, {"y": TensorSpec("y", "FP64", (2,))}, None)
MANY = [subject([TensorSpec("X", "FP32", (-1, 2))], name=name, models=2) for name in ("a b/c", "d")]
POINTS = subject([TensorSpec("points", "FP64", (-1, -1, 2))], None, {"y": TensorSpec("y", "BOOL", (-1,))}, None)
DOCUMENTS = {"points": [POINTS], "table": [TABLE], "pair": [PAIR], "fixed": [FIXED], "many": MANY}


def written(subjects: list[Subject], *, keys: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(document(subjects, "fraud", keys=keys)))
    return told


def fits(told: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    whole = {"components": told["components"]} | schema
    return bool(jsonschema.Draft202012Validator(whole).is_valid(value))


def media(told: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    post = told["paths"][path]["post"]
    sent: dict[str, Any] = post["requestBody"]["content"]["application/json"]
    given_back: dict[str, Any] = post["responses"]["200"]["content"]["application/json"]
    return sent, given_back


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
@pytest.mark.parametrize("keys", [False, True])
def test_the_document_is_valid(name: str, keys: bool) -> None:
    validator: Any = importlib.import_module("openapi_spec_validator")
    validator.validate(written(DOCUMENTS[name], keys=keys))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_reference_leads_somewhere_and_no_operation_is_named_twice(name: str) -> None:
    told = written(DOCUMENTS[name])
    text = json.dumps(told)
    for part in text.split('"#/components/schemas/')[1:]:
        assert json.loads(f'"{part.partition(chr(34))[0]}"') in told["components"]["schemas"]
    operations = [verb["operationId"] for path in told["paths"].values() for verb in path.values()]
    assert len(set(operations)) == len(operations)


def test_features_are_told_with_their_bounds_and_an_example_as_a_person_would_write_it() -> None:
    schema = written([TABLE])["components"]["schemas"]["Features"]
    assert list(schema["properties"]) == ["mean radius", "count", "ok"]
    assert schema["properties"]["mean radius"]["type"] == "number"
    assert schema["properties"]["count"] == {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    assert schema["additionalProperties"] is False
    assert schema["examples"] == [{"mean radius": 17.99, "count": 3, "ok": True}]
    assert written([PAIR])["components"]["schemas"]["Features"]["required"] == ["age", "image"]


def test_keys_are_told_only_where_they_are_needed() -> None:
    assert "security" not in written([TABLE])
    assert "401" not in written([TABLE])["paths"]["/v1/predict"]["post"]["responses"]
    keyed = written([TABLE], keys=True)
    assert keyed["security"] == [{"bearer": []}]
    assert "401" in keyed["paths"]["/v1/predict"]["post"]["responses"]


def test_large_examples_are_left_out() -> None:
    large = subject([TensorSpec("image", "FP32", (-1, EXAMPLE_ELEMENTS + 1, 1))])
    assert len(json.dumps(written([large]))) < 50_000


def test_several_models_are_told_apart() -> None:
    told = written(MANY)
    assert {"/v1/predict/a%20b%2Fc", "/v1/predict/d", "/v2/models/d/infer"} <= set(told["paths"])
    assert {"a_b_c.Features", "d.Features", "Error"} <= set(told["components"]["schemas"])


SINGLES = [TABLE, PAIR, FIXED, POINTS]
TOLD = {id(each): written([each]) for each in SINGLES}


@pytest.mark.parametrize("told_of", SINGLES)
def test_the_examples_fit_their_schemas_and_are_read(told_of: Subject) -> None:
    told = written([told_of])
    reader = Reader(told_of.layout, 1000)
    sent, _ = media(told, "/v1/predict")
    values = [example["value"] for example in sent["examples"].values()]
    for value in values if told_of is not FIXED else values[1:]:
        assert fits(told, sent["schema"], value)
        reader.read(json.dumps(value).encode())
    v1, _ = media(told, "/v1/models/fraud:predict")
    assert fits(told, v1["schema"], v1["example"])
    V1Reader(told_of.inputs, reader, 1000).read(json.dumps(v1["example"]).encode())
    v2, _ = media(told, "/v2/models/fraud/infer")
    assert fits(told, v2["schema"], v2["example"])
    V2Reader(told_of.inputs, told_of.outputs, Limits()).read(json.dumps(v2["example"]).encode(), None)


def answers(of: Subject, rows: int) -> dict[str, Array]:
    filled = {
        name: (rows, *(3 if length < 0 else length for length in spec.shape[1:])) for name, spec in of.outputs.items()
    }
    return {name: zeros(TensorSpec(name, of.outputs[name].datatype, shape)) for name, shape in filled.items()}


@pytest.mark.parametrize("of", SINGLES)
def test_answers_fit_their_schemas(of: Subject) -> None:
    told = TOLD[id(of)]
    writer = Writer(of.outputs, of.classes, "3")
    rows = 2 if of is FIXED else 1
    for single in (True, False):
        question = Question({}, rows, single and rows == 1, PLAIN)
        answer = json.loads(writer.write(question, answers(of, rows), "r", 0.001))
        assert fits(told, media(told, "/v1/predict")[1]["schema"], answer)
    for by_row in (True, False):
        answer = json.loads(v1_writer.encode(answers(of, rows), by_row=by_row))
        assert fits(told, media(told, "/v1/models/fraud:predict")[1]["schema"], answer)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.sampled_from([2**31, 2**63, -(2**63) - 1, 1.5, 2.0, 1e39, -1e39, 65520.0, "", "a"])
    | st.lists(st.lists(st.integers(-1, 256), max_size=2), max_size=3)
)


def rows_of(features: Layout) -> Any:
    names = [feature.name for feature in features.features]
    return st.dictionaries(st.sampled_from([*names, "extra"]), VALUES) | st.fixed_dictionaries(
        dict.fromkeys(names, VALUES)
    )


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(SINGLES), st.sampled_from(["features", "rows", "both", "neither"]))
def test_the_schema_takes_exactly_what_the_reader_takes(draw: st.DataObject, of: Subject, form: str) -> None:
    row = rows_of(of.layout)
    sent: dict[str, Any] = {}
    if form in ("features", "both"):
        sent["features"] = draw.draw(row)
    if form in ("rows", "both"):
        sent["rows"] = draw.draw(st.lists(row, max_size=2))
    if draw.draw(st.booleans()):
        sent["options"] = draw.draw(
            st.dictionaries(
                st.sampled_from(["return_probabilities", "request_id", "x"]), st.booleans() | st.text(max_size=2)
            )
        )
    told = TOLD[id(of)]
    allowed = fits(told, media(told, "/v1/predict")[0]["schema"], sent)
    assert allowed == _taken(of, sent)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(SINGLES), st.sampled_from(["instances", "inputs"]), st.booleans())
def test_what_v1_takes_is_in_its_schema(draw: st.DataObject, of: Subject, key: str, named: bool) -> None:
    tensor = {name: VALUES | st.lists(VALUES, max_size=2) for name in of.inputs}
    value = st.fixed_dictionaries(tensor, optional={"x": VALUES}) | st.dictionaries(st.sampled_from([*tensor]), VALUES)
    alone = next(iter(tensor.values()))
    one = value if named else alone
    sent = {key: draw.draw(st.lists(one, max_size=2) if key == "instances" else one)}
    told = TOLD[id(of)]
    allowed = fits(told, media(told, "/v1/models/fraud:predict")[0]["schema"], sent)
    try:
        V1Reader(of.inputs, Reader(of.layout, 1000), 1000).read(json.dumps(sent).encode())
    except RequestFault as fault:
        # That all rows are of one shape is more than a schema can say.
        taken = "differ in length" in fault.message and allowed
    else:
        taken = True
    assert allowed == taken


def test_a_fixed_number_of_rows_is_in_the_schema_of_v1() -> None:
    (of,) = (each for each in SINGLES if next(iter(each.inputs.values())).shape == (2, 2))
    schema = media(TOLD[id(of)], "/v1/models/fraud:predict")[0]["schema"]
    rows = [fits(TOLD[id(of)], schema, {"instances": [[0, 0]] * count}) for count in range(4)]
    assert rows == [False, False, True, False]


def _taken(of: Subject, sent: Any) -> bool:
    try:
        Reader(of.layout, 1000).read(json.dumps(sent).encode())
    except RequestFault as fault:
        # That all rows have lists of one length is more than a schema can say.
        return all("differ in length" in problem for problem in fault.message.split("; "))
    return True


def test_the_page_is_whole_and_asks_nobody_else() -> None:
    page = Path(__file__).parents[3] / "runtime/moorage_runtime/servers/rest/page"
    parts = {file.name: file.read_text() for file in page.iterdir()}
    assert set(parts) == {"page.html", "page.js", "page.css", "icon.svg"}
    for name, text in parts.items():
        assert "https://" not in text, name
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), name
        assert "innerHTML" not in text, name
    assert " style=" not in parts["page.html"]
    assert "<script>" not in parts["page.html"]
