"""Named features: what is read, what is refused and with which words, and that the quick way is never another way."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage_runtime.artifact import Column, Signature
from moorage_runtime.codecs.features import checks
from moorage_runtime.codecs.features.question import Question
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import layout
from moorage_runtime.tensors import TensorSpec

TABLE = layout(
    Signature((Column("mean radius", "double"), Column("count", "long"), Column("ok", "boolean"))),
    {"X": TensorSpec("X", "FP32", (-1, 3))},
)
MIXED = layout(
    Signature(
        (
            Column("age", "integer"),
            Column("city", "string", required=False),
            Column("income", "double", required=False),
            Column("born", "datetime"),
            Column("code", "binary"),
        )
    ),
    {
        "age": TensorSpec("age", "INT64", (-1, 1)),
        "city": TensorSpec("city", "BYTES", (-1, 1)),
        "income": TensorSpec("income", "FP64", (-1,)),
        "born": TensorSpec("born", "INT64", (-1,)),
        "code": TensorSpec("code", "BYTES", (-1,)),
    },
)
IMAGE = layout(None, {"image": TensorSpec("image", "UINT8", (-1, 2, -1))})
RIGHT = {"mean radius": 1.5, "count": 2, "ok": True}
PERSON = {"age": 41, "city": "Oslo", "income": 1.5, "born": "1970-01-02", "code": b64encode(b"x").decode()}


def read(document: Any, of: Any = TABLE, elements: int = 1000) -> Question:
    return Reader(of, elements).read(json.dumps(document).encode())


def refusal(document: Any, of: Any = TABLE) -> RequestFault:
    with pytest.raises(RequestFault) as caught:
        read(document, of)
    return caught.value


def test_a_table_is_filled_in_the_order_of_its_columns() -> None:
    found = read({"features": dict(reversed(RIGHT.items()))})
    assert found.single
    assert found.inputs["X"].dtype == np.float32
    assert found.inputs["X"].tolist() == [[1.5, 2.0, 1.0]]


def test_rows_are_rows() -> None:
    found = read({"rows": [RIGHT, RIGHT | {"count": 3}]})
    assert not found.single
    assert found.rows == 2
    assert found.inputs["X"].tolist() == [[1.5, 2.0, 1.0], [1.5, 3.0, 1.0]]


def test_each_input_gets_its_own_feature_and_what_may_be_missing_gets_a_stand_in() -> None:
    rows = [PERSON, {"age": 1, "income": None, "born": "2020-01-01T12:00:00+02:00", "code": ""}]
    inputs = read({"rows": rows}, MIXED).inputs
    assert inputs["age"].tolist() == [[41], [1]]
    assert inputs["city"].tolist() == [["Oslo"], [""]]
    assert inputs["income"][0] == 1.5
    assert np.isnan(inputs["income"][1])
    assert inputs["born"].tolist() == [86_400_000_000_000, 1_577_872_800_000_000_000]
    assert inputs["code"].tolist() == ["x", ""]


def test_an_array_is_one_feature() -> None:
    found = read({"rows": [{"image": [[1, 2, 3], [4, 5, 6]]}, {"image": [[0, 0, 0], [0, 0, 255]]}]}, IMAGE)
    assert found.inputs["image"].shape == (2, 2, 3)
    assert found.inputs["image"].dtype == np.uint8


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert read({"features": RIGHT | {"count": 2.0}}).inputs["X"].tolist() == [[1.5, 2.0, 1.0]]


@pytest.mark.parametrize("key", ["options", "parameters"])
def test_options_are_read(key: str) -> None:
    found = read({"features": RIGHT, key: {"return_probabilities": False, "request_id": "r-1"}})
    assert found.options.return_probabilities is False
    assert found.options.request_id == "r-1"
    assert read({"features": RIGHT, key: {}}).options.return_probabilities is not False


def wrong(**changes: Any) -> dict[str, Any]:
    return {"features": RIGHT | {key.replace("_", " "): value for key, value in changes.items()}}


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


REFUSED = [
    ([], 'body: is a list, an object with "features" or "rows" is needed'),
    ({}, 'body: needs one of "features" and "rows"'),
    ({"features": RIGHT, "rows": [RIGHT]}, 'body: needs only one of "features" and "rows"'),
    ({"features": RIGHT, "x": 1}, '"x": is unknown; send "features" or "rows", and "options"'),
    ({"features": [1]}, "features: is a list, an object of features is needed"),
    ({"rows": RIGHT}, "rows: is an object, a list of objects is needed"),
    ({"rows": []}, "rows: is an empty list"),
    ({"rows": [RIGHT, 3]}, "rows[1]: is 3, an object of features is needed"),
    ({"features": without(RIGHT, "count")}, 'features."count": is missing'),
    (wrong(counts=1), 'features."counts": is no feature of this model; is "count" meant?'),
    (wrong(zzz=1), 'features."zzz": is no feature of this model'),
    (wrong(mean_radius="1"), 'features."mean radius": is the text "1", a number is needed'),
    (wrong(mean_radius=True), 'features."mean radius": is true, a number is needed'),
    (wrong(mean_radius=None), 'features."mean radius": is null, a number is needed'),
    (wrong(mean_radius=[1]), 'features."mean radius": is a list, a number is needed'),
    (wrong(mean_radius={}), 'features."mean radius": is an object, a number is needed'),
    (wrong(mean_radius=1e39), 'features."mean radius": is 1e+39, too large for FP32'),
    (wrong(mean_radius=10**60), 'features."mean radius": is a number of many digits, too large for FP32'),
    (wrong(mean_radius="NaN"), 'features."mean radius": is the text "NaN", a number is needed'),
    (wrong(count=1.5), 'features."count": is 1.5, a whole number is needed'),
    (wrong(count=True), 'features."count": is true, a whole number is needed'),
    (wrong(count=2**63), f'features."count": is {2**63}, not from {-(2**63)} to {2**63 - 1}'),
    (wrong(ok=1), 'features."ok": is 1, true or false is needed'),
    (wrong(ok="é" * 50), f'features."ok": is the text "{"é" * 40}...", true or false is needed'),
    (wrong(ok="a\nb"), 'features."ok": is the text "a\\nb", true or false is needed'),
    ({"features": RIGHT, "options": 1}, "options: is 1, an object is needed"),
    (
        {"features": RIGHT, "options": {"a": 1}},
        'options."a": is unknown; there are return_probabilities and request_id',
    ),
    (
        {"features": RIGHT, "options": {"return_probabilities": 1}},
        "options.return_probabilities: is 1, true or false is needed",
    ),
    (
        {"features": RIGHT, "options": {"request_id": 1}},
        "options.request_id: is 1, text of at most 128 characters is needed",
    ),
    ({"features": RIGHT, "options": {}, "parameters": {}}, 'parameters: is the same as "options"; send one of them'),
]


@pytest.mark.parametrize(("document", "message"), REFUSED)
def test_what_does_not_fit_is_said_with_its_path(document: Any, message: str) -> None:
    found = refusal(document)
    assert (found.status, found.message) == (422, message)


MIXED_REFUSED = [
    ({"age": 2**31}, f'"age": is {2**31}, not from {-(2**31)} to {2**31 - 1}'),
    ({"city": 1}, '"city": is 1, text is needed'),
    ({"born": "yesterday"}, '"born": is the text "yesterday", an ISO 8601 time is needed'),
    ({"born": "9999-01-01"}, '"born": is the text "9999-01-01", too far from 1970'),
    ({"code": "%"}, '"code": is the text "%", base64 of UTF-8 text is needed'),
    ({"code": b64encode(b"\xff").decode()}, '"code": is the text "/w==", base64 of UTF-8 text is needed'),
]


@pytest.mark.parametrize(("change", "message"), MIXED_REFUSED)
def test_each_kind_says_what_it_needs(change: dict[str, Any], message: str) -> None:
    assert refusal({"rows": [PERSON, PERSON | change]}, MIXED).message == f"rows[1].{message}"


IMAGE_REFUSED = [
    ([1, 2], '"image": is 1, a list is needed'),
    ([[1], [2], [3]], '"image": has 3 elements, 2 are needed'),
    ([[1], [2, 3]], '"image": its lists differ in length'),
    ([[1], [256]], '"image": is 256, not from 0 to 255'),
]


@pytest.mark.parametrize(("value", "message"), IMAGE_REFUSED)
def test_arrays_are_checked_to_their_elements(value: Any, message: str) -> None:
    assert refusal({"features": {"image": value}}, IMAGE).message == f"features.{message}"


def test_rows_of_different_shapes_are_refused() -> None:
    rows = [{"image": [[1], [2]]}, {"image": [[1, 1], [2, 2]]}]
    assert refusal({"rows": rows}, IMAGE).message == "the rows do not make tensors: lists differ in length"


def test_every_problem_is_told_up_to_twenty() -> None:
    assert refusal({"rows": [{"count": "a", "ok": True}, RIGHT | {"x": 1}]}).message == (
        'rows[0]."mean radius": is missing; rows[0]."count": is the text "a", a whole number is needed; '
        'rows[1]."x": is no feature of this model'
    )
    many = refusal({"rows": [{}] * 30}).message
    assert many.count("is missing") == checks.TOLD
    assert many.endswith("; and more")
    assert len(refusal({"rows": [{"x" * 5000: 1}] * 30}).message) < 5000


def test_a_wrong_row_far_behind_is_found_without_going_through_all_before_it() -> None:
    wrong_row = RIGHT | {"count": "a"}
    rows = [RIGHT] * 2000 + [wrong_row] + [RIGHT] * 100 + [wrong_row] + [RIGHT] * 100 + [wrong_row]
    found = refusal({"rows": rows}).message
    assert found == "; ".join(f'rows[{at}]."count": is the text "a", a whole number is needed' for at in (2000, 2101))


def test_rows_that_only_look_wrong_are_all_read() -> None:
    rows = [RIGHT] * 300 + [RIGHT | {"count": 5.0}] + [RIGHT] * 300
    assert read({"rows": rows}, elements=5000).inputs["X"][:, 1].sum() == 2 * 600 + 5


@pytest.mark.parametrize("more", [{}, {"options": {"a": 1}}, {"options": 5}, {"options": {}, "parameters": {}}])
def test_a_large_one_that_is_no_request_is_told_the_same_as_a_small_one(more: dict[str, Any]) -> None:
    small, large = refusal({"x": [[]]} | more), refusal({"x": [[]] * 50_000} | more)
    assert small.message == large.message
    assert small.status == large.status == 422


def test_of_very_many_unknown_keys_the_first_is_told() -> None:
    found = refusal({f"k{at}": 0 for at in range(10_000)})
    assert (found.status, found.message) == (422, '"k0": is unknown; send "features" or "rows", and "options"')


def test_more_values_than_allowed_are_413() -> None:
    with pytest.raises(RequestFault) as caught:
        read({"rows": [RIGHT, RIGHT]}, elements=5)
    assert caught.value.status == 413
    with pytest.raises(RequestFault) as caught:
        read({"features": {"image": [[1] * 10, [1] * 10]}}, IMAGE, elements=19)
    assert caught.value.status == 413


def test_a_model_with_a_fixed_number_of_rows_takes_that_many() -> None:
    one = layout(None, {"X": TensorSpec("X", "FP32", (1, 2))})
    assert read({"features": {"f0": 1, "f1": 2}}, one).inputs["X"].shape == (1, 2)
    assert refusal({"rows": [{"f0": 1, "f1": 2}] * 2}, one).message == (
        "rows: 2 are sent, the model takes exactly 1 at once"
    )
    scalar = layout(None, {"x": TensorSpec("x", "FP32", ())})
    assert read({"features": {"x": 2}}, scalar).inputs["x"].shape == ()


MALFORMED = [
    b"",
    b"{",
    b'{"features": {}} x',
    b"\xef\xbb\xbf{}",
    b'{"features": {"mean radius": NaN, "count": 2, "ok": true}}',
    b'{"features": {"mean radius": 1, "count": 02, "ok": true}}',
    b'{"features": {"mean radius": 1, "count": 2, "ok": "\xff"}}',
    b'{"features": {"mean radius": 1, "count": 2, "ok": "\\ud800"}}',
    b'{"features": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    b'{"features": {"mean radius": 1, "count": 2, "count": 3, "ok": true}}',
    b'{"features": {"mean radius": 1, "count": 2, "ok": true}, "features": {"mean radius": 1, "count": 2, "ok": true}}',
    b'{"features": {"mean radius": 1, "count": 2, "ok": true}, "options": {"request_id": "a", "request_id": "b"}}',
    b'{"features": {"mean radius": 1, "cou\\u006et": 2, "count": 2, "ok": true}}',
]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_is_no_json_or_says_a_thing_twice_is_400(body: bytes) -> None:
    with pytest.raises(RequestFault) as caught:
        Reader(TABLE, 1000).read(body)
    assert (caught.value.status, caught.value.reason) == (400, "MalformedJSON")


def test_a_number_beyond_any_range_is_422() -> None:
    for number in (b"1e999", b"1" * 5000):
        with pytest.raises(RequestFault) as caught:
            Reader(TABLE, 1000).read(b'{"features": {"mean radius": %b, "count": 2, "ok": true}}' % number)
        assert caught.value.status == 422


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "", "ü", "a/b~c", "features", "__proto__", "x" * 300])
def test_any_name_can_be_a_feature(name: str) -> None:
    of = layout(Signature((Column(name, "double"), Column("other", "double"))), {"X": TensorSpec("X", "FP64", (-1, 2))})
    assert read({"features": {"other": 2, name: 1}}, of).inputs["X"].tolist() == [[1.0, 2.0]]
    assert "is missing" in refusal({"features": {"other": 2}}, of).message


def test_a_quotation_mark_in_a_text_is_no_key_twice() -> None:
    assert read({"features": PERSON | {"city": '"a": "b"'}}, MIXED).inputs["city"].tolist() == [['"a": "b"']]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([2**31, 2**63, 2**64, -(2**63) - 1, 255, 1.5, 2.0, 1e39, -1e39, 1e308, "", "a", "2020-01-01"])
    | st.lists(st.integers(0, 3) | st.lists(st.integers(0, 256), max_size=2), max_size=3)
)


def rows_of(of: Any) -> Any:
    names = [feature.name for feature in of.features]
    return st.dictionaries(st.sampled_from([*names, "extra"]), VALUES, max_size=len(names) + 1)


RIGHT_VALUES = {
    "mean radius": st.floats(-1e30, 1e30, allow_subnormal=False),
    "count": st.integers(-(2**63), 2**63 - 1),
    "ok": st.booleans(),
    "age": st.integers(-(2**31), 2**31 - 1),
    "city": st.text() | st.none(),
    "income": st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    "born": st.datetimes().map(lambda moment: moment.replace(year=2000).isoformat()),
    "code": st.text().map(lambda text: b64encode(text.encode()).decode()),
    "image": st.lists(st.integers(0, 255), min_size=1, max_size=1).map(lambda row: [row, row]),
}


def right_rows_of(of: Any) -> Any:
    return st.fixed_dictionaries({feature.name: RIGHT_VALUES[feature.name] for feature in of.features})


OPTIONS = st.fixed_dictionaries(
    {}, optional={"return_probabilities": st.booleans() | st.just(1), "request_id": st.none() | st.text(max_size=3)}
)


def test_a_row_of_another_shape_before_a_wrong_type_is_told_too() -> None:
    body = b'{"rows": [{"image": []}, {}]}'
    status, message = told(Reader(IMAGE, 1000), body)
    assert status == 422
    assert message.startswith('rows[0]."image": has 0 elements, 2 are needed; rows[1]."image": is missing')


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from([TABLE, MIXED, IMAGE]), st.booleans())
def test_the_quick_way_and_the_thorough_way_agree(draw: st.DataObject, of: Any, one: bool) -> None:
    row = rows_of(of) | right_rows_of(of)
    document: dict[str, Any] = {"features": draw.draw(row)} if one else {"rows": draw.draw(st.lists(row, max_size=3))}
    if draw.draw(st.booleans()):
        document["options"] = draw.draw(OPTIONS)
    body = json.dumps(document, ensure_ascii=draw.draw(st.booleans())).encode()
    thorough = Reader(of, 1000)
    thorough._decode = None
    assert told(Reader(of, 1000), body) == told(thorough, body)


def told(reader: Reader, body: bytes) -> Any:
    try:
        found = reader.read(body)
    except RequestFault as fault:
        return fault.status, fault.message
    tensors = {name: (array.dtype, array.shape, array.tolist()) for name, array in found.inputs.items()}
    return repr(tensors), found.rows, found.single, found.options.return_probabilities is not False


@given(st.data(), st.sampled_from([TABLE, MIXED, IMAGE]))
def test_what_is_right_is_never_refused(draw: st.DataObject, of: Any) -> None:
    rows = draw.draw(st.lists(right_rows_of(of), min_size=1, max_size=3))
    assert read({"rows": rows}, of).rows == len(rows)


@given(st.binary(max_size=100))
@example(b'{"rows":[{}')
def test_any_bytes_are_refused_by_name(body: bytes) -> None:
    with pytest.raises(RequestFault) as caught:
        Reader(TABLE, 1000).read(body)
    assert caught.value.status in (400, 422)
