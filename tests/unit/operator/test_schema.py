"""What clients rely on: what may change without a word, and what is told, in which words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.schema.compatible import CURE, incompatibility
from moorage_runtime.config import Feature, Schema, Tensor

X = Tensor("x", "FP32", (-1, 30))
LABEL = Tensor("label", "INT64", (-1,))
SCORES = Tensor("probabilities", "FP32", (-1, 2))
AGE, CITY = Feature("age", "long"), Feature("city", "string")
STABLE = Schema(inputs=(X,), outputs=(LABEL, SCORES), features=(AGE, CITY), classes=(0, 1))


def changed(**parts: object) -> Schema:
    return msgspec.structs.replace(STABLE, **parts)


BREAKS = {
    "input gone": (
        changed(inputs=(Tensor("y", "FP32", (-1, 30)),)),
        "Input 'x' is gone; the candidate takes 'y'",
    ),
    "another datatype": (
        changed(inputs=(Tensor("x", "FP64", (-1, 30)),)),
        "Input 'x' is FP64 [?, 30] in the candidate, FP32 [?, 30] in the stable version",
    ),
    "a column more": (
        changed(inputs=(Tensor("x", "FP32", (-1, 31)),)),
        "Input 'x' is FP32 [?, 31] in the candidate, FP32 [?, 30] in the stable version",
    ),
    "the batch is closed": (
        changed(inputs=(Tensor("x", "FP32", (1, 30)),)),
        "Input 'x' is FP32 [1, 30] in the candidate, FP32 [?, 30] in the stable version",
    ),
    "another rank": (
        changed(inputs=(Tensor("x", "FP32", (-1, 30, 1)),)),
        "Input 'x' is FP32 [?, 30, 1] in the candidate, FP32 [?, 30] in the stable version",
    ),
    "a needed input more": (
        changed(inputs=(X, LABEL)),
        "Input 'label' is needed by the candidate, and the stable version does not have it",
    ),
    "output gone": (
        changed(outputs=(LABEL,)),
        "Output 'probabilities' is gone; the candidate gives 'label'",
    ),
    "another output datatype": (
        changed(outputs=(Tensor("label", "BYTES", (-1,)), SCORES)),
        "Output 'label' is BYTES [?] in the candidate, INT64 [?] in the stable version",
    ),
    "a class more": (
        changed(outputs=(LABEL, Tensor("probabilities", "FP32", (-1, 3)))),
        "Output 'probabilities' is FP32 [?, 3] in the candidate, FP32 [?, 2] in the stable version",
    ),
    "another order of classes": (
        changed(classes=(1, 0)),
        "The classes are 1, 0 in the candidate, 0, 1 in the stable version: probabilities change places",
    ),
    "feature gone": (changed(features=(AGE,)), "Feature 'city' is gone"),
    "another kind": (
        changed(features=(Feature("age", "string"), CITY)),
        "Feature 'age' is string in the candidate, long in the stable version",
    ),
    "a needed feature more": (
        changed(features=(AGE, CITY, Feature("zip", "string"))),
        "Feature 'zip' is needed by the candidate, and the stable version does not have it",
    ),
    "columns change places": (
        changed(features=(CITY, AGE)),
        "Column 0 is 'city' in the candidate, 'age' in the stable version: columns change places",
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_clients_would_miss_is_named_with_its_cure(case: str) -> None:
    candidate, words = BREAKS[case]
    assert incompatibility(STABLE, candidate) == f"{words}. {CURE}"


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(STABLE, id="the same"),
        pytest.param(changed(inputs=(Tensor("x", "FP32", (-1, -1)),)), id="a length opens"),
        pytest.param(changed(inputs=(X, Tensor("limit", "FP32", (), optional=True))), id="an optional input more"),
        pytest.param(changed(outputs=(SCORES, LABEL, Tensor("why", "BYTES", (-1,)))), id="an output more"),
        pytest.param(changed(outputs=(LABEL, Tensor("probabilities", "FP32", (-1, -1)))), id="an output opens"),
        pytest.param(changed(outputs=(LABEL, Tensor("probabilities", "FP32"))), id="a rank is not told"),
        pytest.param(changed(features=(Feature("age", "double"), CITY)), id="a kind widens"),
        pytest.param(changed(features=(AGE, CITY, Feature("zip", "string", required=False))), id="an optional column"),
        pytest.param(Schema(cut=True), id="nothing was told"),
    ],
)
def test_what_no_client_notices_may_change(candidate: Schema) -> None:
    assert incompatibility(STABLE, candidate) is None


def test_an_optional_input_may_not_become_needed() -> None:
    stable = changed(inputs=(X, Tensor("limit", "FP32", (), optional=True)))
    found = incompatibility(stable, changed(inputs=(X, Tensor("limit", "FP32", ()))))
    assert found == f"Input 'limit' may be left out in the stable version, and is needed by the candidate. {CURE}"


def test_an_optional_column_may_not_become_needed() -> None:
    stable = changed(features=(AGE, Feature("city", "string", required=False)))
    assert str(incompatibility(stable, STABLE)).startswith("Feature 'city' may be left out in the stable version")


def test_features_that_are_inputs_of_their_own_have_no_order() -> None:
    inputs = (Tensor("age", "INT64", (-1, 1)), Tensor("city", "BYTES", (-1, 1)))
    stable = changed(inputs=inputs)
    assert incompatibility(stable, changed(inputs=inputs[::-1], features=(CITY, AGE))) is None


def test_a_long_list_is_cut() -> None:
    many = tuple(Tensor(f"out{number}", "FP32", (-1,)) for number in range(40))
    assert "gives 'out0', 'out1', 'out2', 'out3', 'out4' and 35 more." in str(
        incompatibility(STABLE, changed(outputs=many))
    )


names = st.sampled_from("abcdef")
lengths = st.sampled_from([-1, 1, 2, 30])
tensors = st.builds(
    Tensor,
    names,
    st.sampled_from(["FP32", "INT64", "BYTES"]),
    st.none() | st.lists(lengths, max_size=3).map(tuple),
    st.booleans(),
)
columns = st.builds(Feature, names, st.sampled_from(["", "long", "double", "string"]), st.booleans())
schemas = st.builds(
    Schema,
    inputs=st.none() | st.lists(tensors, max_size=4, unique_by=lambda each: each.name).map(tuple),
    outputs=st.none() | st.lists(tensors, max_size=4, unique_by=lambda each: each.name).map(tuple),
    features=st.none() | st.lists(columns, max_size=4, unique_by=lambda each: each.name).map(tuple),
    classes=st.none() | st.lists(st.integers(0, 3), max_size=3, unique=True).map(tuple),
)


@given(schemas)
def test_a_version_is_compatible_with_itself(schema: Schema) -> None:
    assert incompatibility(schema, schema) is None


@given(schemas, schemas)
def test_whatever_request_the_stable_version_takes_a_compatible_one_takes_too(stable: Schema, other: Schema) -> None:
    if incompatibility(stable, other) is not None or stable.inputs is None or other.inputs is None:
        return
    sent = {each.name: each for each in stable.inputs}
    for wanted in other.inputs:
        given_ = sent.get(wanted.name)
        assert wanted.optional or (given_ is not None and not given_.optional)
        if given_ is not None and given_.shape is not None and wanted.shape is not None:
            assert all(now in (-1, told) for told, now in zip(given_.shape, wanted.shape, strict=True))


@given(schemas)
def test_it_survives_the_wire(schema: Schema) -> None:
    assert msgspec.json.decode(msgspec.json.encode(schema), type=Schema) == schema
